/*
 * What must be so before there is a network, and what units wait for: the kernel's
 * settings, the packet filter, drivers of network interfaces, the files of tmpfiles.d.
 * It is done while the manager begins, which takes a second of one processor.
 *
 * Each but the drivers is a unit's, too, with the condition that it was not done here:
 * what failed, or took longer than the manager, is done there. Drivers are udev's to
 * load as well, which begins when the perspective serves (udev-at-once.timer).
 */
#ifndef INITRD_EARLY_H
#define INITRD_EARLY_H

/*
 * In the root, before the manager is executed. Returns at once. `modules` says the end
 * of file when those of the kernel's modules are loaded that are needed; -1: they are.
 */
void early_begin(int modules);

#endif
