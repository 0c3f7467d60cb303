#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "host/sweep/runner.hpp"

namespace spacemoe {

/// Whether a launcher such as mpirun started this process as one of several.
bool launched_by_mpi();

/// The processes that run a sweep together: process 0 hands out points, the others ask for them. A program
/// without MPI has but one.
class MpiJob {
 public:
  /// Throws BackendError where there are several processes and the program was built without MPI.
  MpiJob();
  ~MpiJob();
  MpiJob(MpiJob const&) = delete;
  MpiJob& operator=(MpiJob const&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }

  /// Where this process gets its points from; `left` are all that are to be run, on process 0. When the
  /// source of process 0 is destroyed, it waits until those of all others are, whatever made them end.
  std::unique_ptr<PointSource> share(std::vector<std::uint64_t> left) const;

 private:
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace spacemoe
