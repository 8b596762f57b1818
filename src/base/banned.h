/* SPDX-License-Identifier: Apache-2.0 */
/* Included before every source file by the build: functions that are wrong for bytes from outside. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Macros of libc with some compilers: poisoning a macro is a warning. */
#undef alloca
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets atoi atol atoll strtok \
    sscanf tmpnam mktemp
#pragma GCC poison alloca gmtime localtime ctime asctime

#endif
