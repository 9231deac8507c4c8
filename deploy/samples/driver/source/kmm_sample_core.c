// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The module that the other one depends on: it must be loaded before it and unloaded after it. */
#include <linux/module.h>

const char *kmm_sample_word(void);

const char *kmm_sample_word(void)
{
	return "hello";
}
EXPORT_SYMBOL(kmm_sample_word);

MODULE_DESCRIPTION("KMM-Hub sample: what kmm_sample depends on");
MODULE_VERSION("1.0");
MODULE_LICENSE("Dual MIT/GPL");
