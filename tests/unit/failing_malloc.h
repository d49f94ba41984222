/*
 * Test helper: memory that runs out. Link with $(WRAP_MALLOC) and call
 * failing_malloc_after(); only calls made by our own objects are counted.
 */
#ifndef MPIC_TEST_FAILING_MALLOC_H
#define MPIC_TEST_FAILING_MALLOC_H

/* The next `count` allocations succeed, all later ones fail; -1: none fails. */
void failing_malloc_after(long count);

#endif
