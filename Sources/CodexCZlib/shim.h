// Makes zlib importable. Only what Swift cannot import by itself may be wrapped here.
#ifndef CODEX_CZLIB_SHIM_H
#define CODEX_CZLIB_SHIM_H
#include <zlib.h>
#endif
