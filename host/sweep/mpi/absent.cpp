#include <cstdlib>
#include <string>

#include "host/errors.hpp"
#include "host/sweep/mpi_job.hpp"

namespace spacemoe {

MpiJob::MpiJob() {
  if (!launched_by_mpi()) return;
  throw BackendError(
      "this program was built without MPI, so processes of one job cannot share a sweep; configure with "
      "-DSPACEMOE_MPI=ON, or give each process a --shard");
}

MpiJob::~MpiJob() = default;

std::unique_ptr<PointSource> MpiJob::share(std::vector<std::uint64_t> left) const {
  return std::make_unique<PointQueue>(std::move(left));
}

}  // namespace spacemoe
