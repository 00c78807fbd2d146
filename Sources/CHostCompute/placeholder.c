#include "HostComputeTable.h"
