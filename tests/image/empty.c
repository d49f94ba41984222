/*
 * The least userspace there is: says that it was reached and switches off. What a whole appliance
 * takes to become ready is measured against it.
 */
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	puts("empty userspace reached");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
