// Makes zlib importable to the program; the library has a module of its own.
#ifndef CODEXFLOW_CZLIB_SHIM_H
#define CODEXFLOW_CZLIB_SHIM_H
#include <zlib.h>
#endif
