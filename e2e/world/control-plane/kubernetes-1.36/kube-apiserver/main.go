// Kubernetes' own kube-apiserver, unchanged: built here because its modules come through any Go proxy, ready binaries do not.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}
