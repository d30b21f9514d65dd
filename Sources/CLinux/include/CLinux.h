// The Linux calls that Swift cannot import: variadic functions, GNU-only functions, macros.
#ifndef CLINUX_H
#define CLINUX_H

#include <stdint.h>
#include <stddef.h>

/// Names the calling thread, at most 15 bytes, as `top -H` shows it.
void clinux_set_thread_name(const char *name);

/// The kernel's id of the calling thread.
int32_t clinux_thread_id(void);

/// Fills the buffer from the kernel's random source; 0 when all of it was filled, -1 otherwise.
int32_t clinux_random(void *buffer, size_t count);

/// Microseconds since 1970 by the wall clock.
int64_t clinux_wall_microseconds(void);

/// Nanoseconds by the monotonic clock.
int64_t clinux_monotonic_nanoseconds(void);

/// A non-blocking event file descriptor, or -1.
int32_t clinux_eventfd(void);

/// Resident memory of this process in bytes.
int64_t clinux_resident_bytes(void);

#endif
