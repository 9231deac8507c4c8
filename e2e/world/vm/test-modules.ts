/** A module with a parameter. */
export const parameterModule = `
#include <linux/module.h>
static int answer = 1;
module_param(answer, int, 0444);
static int __init start(void) { pr_info("kmm_vm_a: answer is %d\\n", answer); return 0; }
static void __exit end(void) { }
module_init(start);
module_exit(end);
MODULE_DESCRIPTION("shows a parameter");
MODULE_LICENSE("GPL");
`;
