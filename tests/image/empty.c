/*
 * The least userspace there is: says that it was reached, and stays until the plug is pulled. What
 * a whole appliance takes to become ready is measured against it.
 */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	puts("empty userspace reached");
	fflush(stdout);
	for (;;)
		pause();
}
