/*
 * What the first step of a boot has written, looked at once more when the time is
 * known: a certificate that has ended by then would have nobody connect, and
 * nobody see why.
 */
#ifndef MPIC_APPLIANCE_FIRST_BOOT_H
#define MPIC_APPLIANCE_FIRST_BOOT_H

/*
 * Returns at once if all that was written is in force. Else it says what is not,
 * on the console and at the API's port, and waits for a document that is good;
 * it tries again every `retry_ms`. `root` as in place.h.
 */
void first_boot_look_again(const char *root, unsigned retry_ms);

#endif
