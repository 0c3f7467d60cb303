#include <algorithm>
#include <array>
#include <cstdlib>

#include "host/sweep/mpi_job.hpp"

namespace spacemoe {

bool launched_by_mpi() {
  // Open MPI and MPICH, and what else speaks PMI, tell their processes how many they are.
  constexpr std::array sizes{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
  return std::ranges::any_of(sizes, [](char const* name) {
    char const* const size = std::getenv(name);
    return size != nullptr && std::atoi(size) > 1;
  });
}

}  // namespace spacemoe
