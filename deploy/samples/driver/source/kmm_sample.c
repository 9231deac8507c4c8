// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A driver without hardware: a character device, /dev/kmm-sample, that says a word to whoever reads it. It shows what
 * a real driver has: a dependency, parameters, a firmware file, and users that keep it from being unloaded.
 */
#include <linux/firmware.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#define FIRMWARE "kmm-sample/greeting.bin"

const char *kmm_sample_word(void);

static char *whom = "world";
module_param(whom, charp, 0444);
MODULE_PARM_DESC(whom, "whom to greet");

static bool need_firmware;
module_param(need_firmware, bool, 0444);
MODULE_PARM_DESC(need_firmware, "greet whom the firmware file names instead, and do not load without it");

static char answer[128];

static ssize_t read_answer(struct file *file, char __user *to, size_t count, loff_t *at)
{
	return simple_read_from_buffer(to, count, at, answer, strlen(answer));
}

static const struct file_operations operations = {
	/* Whoever has the device open keeps the module in the kernel. */
	.owner = THIS_MODULE,
	.read = read_answer,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kmm-sample",
	.fops = &operations,
};

static int answer_from_firmware(void)
{
	const struct firmware *firmware;
	int error = request_firmware(&firmware, FIRMWARE, device.this_device);

	if (error)
		return error;
	scnprintf(answer, sizeof(answer), "%s, %.*s\n", kmm_sample_word(),
		  (int)min_t(size_t, firmware->size, 64), (const char *)firmware->data);
	release_firmware(firmware);
	return 0;
}

static int __init kmm_sample_init(void)
{
	int error = misc_register(&device);

	if (error)
		return error;
	if (need_firmware) {
		error = answer_from_firmware();
		if (error) {
			misc_deregister(&device);
			return error;
		}
	} else {
		scnprintf(answer, sizeof(answer), "%s, %s\n", kmm_sample_word(), whom);
	}
	pr_info("kmm_sample: %s", answer);
	return 0;
}

static void __exit kmm_sample_exit(void)
{
	misc_deregister(&device);
}

module_init(kmm_sample_init);
module_exit(kmm_sample_exit);

MODULE_DESCRIPTION("KMM-Hub sample: a driver without hardware");
MODULE_VERSION("1.0");
MODULE_FIRMWARE(FIRMWARE);
MODULE_LICENSE("Dual MIT/GPL");
