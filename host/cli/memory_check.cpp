#include "host/cli/memory_check.hpp"

#include <array>
#include <cstdio>
#include <fstream>

#include <unistd.h>

#include "host/errors.hpp"

namespace spacemoe {

double available_bytes() {
  std::ifstream meminfo("/proc/meminfo");
  std::string key;
  double kib = 0;
  for (std::string unit; meminfo >> key >> kib; std::getline(meminfo, unit)) {
    if (key == "MemAvailable:") return kib * 1024;
  }
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

std::string bytes_text(double bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < units.size(); ++unit) bytes /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %s", bytes, units[unit]);
  return text;
}

void require_memory(std::string const& work, double needed_bytes) {
  double const available = available_bytes();
  if (needed_bytes <= available) return;
  throw ScenarioError({work,
                       "needs an estimated " + bytes_text(needed_bytes) + " of memory, " +
                           bytes_text(available) + " are available",
                       "lower time.slots, placement.random_placements or the number of satellites"});
}

}  // namespace spacemoe
