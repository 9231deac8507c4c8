/** Kernel modules for tests, in C. */
const frame = (body: string) => `
#include <linux/firmware.h>
#include <linux/module.h>
#include <linux/platform_device.h>
${body}
module_init(start);
module_exit(end);
MODULE_LICENSE("GPL");
`;

/** Has a parameter. */
export const parameterModule = frame(`
static int answer = 1;
module_param(answer, int, 0444);
static int __init start(void) { pr_info("%s: started\\n", KBUILD_MODNAME); return 0; }
static void __exit end(void) { }
MODULE_DESCRIPTION("shows a parameter");`);

/** Others may use it. */
export const baseModule = frame(`
int kmm_vm_base_answer(void);
int kmm_vm_base_answer(void) { return 42; }
EXPORT_SYMBOL_GPL(kmm_vm_base_answer);
static int __init start(void) { return 0; }
static void __exit end(void) { }`);

/** Uses the base: not loaded without it, and keeps it from being unloaded. */
export const userModule = frame(`
int kmm_vm_base_answer(void);
static int __init start(void) { return kmm_vm_base_answer() == 42 ? 0 : -EINVAL; }
static void __exit end(void) { }`);

/** Loads only where the kernel finds its firmware, and shows how long that is. */
export const firmwareModule = frame(`
static int length;
module_param(length, int, 0444);
static struct platform_device *device;
static int __init start(void)
{
	const struct firmware *firmware;
	int error;

	device = platform_device_register_simple("kmm_vm_firmware", -1, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	error = request_firmware(&firmware, "kmm/vm.bin", &device->dev);
	if (error) {
		platform_device_unregister(device);
		return error;
	}
	length = firmware->size;
	release_firmware(firmware);
	return 0;
}
static void __exit end(void) { platform_device_unregister(device); }`);

/** Every module of the tests by its name. `dummy` is also one of the distribution's, with no parameter `answer`. */
export const testModules = {
  kmm_vm_a: parameterModule,
  kmm_vm_base: baseModule,
  kmm_vm_user: userModule,
  kmm_vm_firmware: firmwareModule,
  dummy: parameterModule,
} as const;
