#include "host/sweep/mpi_job.hpp"

#include <chrono>
#include <limits>
#include <mutex>
#include <thread>

#include <mpi.h>

#include "host/errors.hpp"

namespace spacemoe {
namespace {

constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();

enum Tag : int { ask = 1, answer = 2, done = 3 };

/// MPI waits by spinning; points take longer than this, and a core is worth more.
constexpr std::chrono::microseconds nap{200};

/// Hands out the points on process 0, to its own threads and, by a thread of its own, to the other processes.
class ServedPoints : public PointSource {
 public:
  ServedPoints(std::vector<std::uint64_t> left, int others)
      : queue_(std::move(left)), server_([this, others] { serve(others); }) {}

  ~ServedPoints() override {
    while (queue_.next()) {  // when this process ends early, so do the others
    }
    server_.join();
  }

  std::optional<std::uint64_t> next() override { return queue_.next(); }

 private:
  void serve(int others) {
    while (others > 0) {
      int there = 0;
      MPI_Status status;
      MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &status);
      if (there == 0) {
        std::this_thread::sleep_for(nap);
        continue;
      }
      MPI_Recv(nullptr, 0, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      if (status.MPI_TAG == done) {
        --others;
      } else {
        std::uint64_t const point = queue_.next().value_or(none);
        MPI_Send(&point, 1, MPI_UINT64_T, status.MPI_SOURCE, answer, MPI_COMM_WORLD);
      }
    }
  }

  PointQueue queue_;
  std::thread server_;
};

/// Asks process 0 for points.
class AskedPoints : public PointSource {
 public:
  ~AskedPoints() override { MPI_Send(nullptr, 0, MPI_BYTE, 0, done, MPI_COMM_WORLD); }

  std::optional<std::uint64_t> next() override {
    std::scoped_lock const lock(mutex_);
    if (over_) return std::nullopt;
    std::uint64_t point = none;
    MPI_Request request;
    MPI_Irecv(&point, 1, MPI_UINT64_T, 0, answer, MPI_COMM_WORLD, &request);
    MPI_Send(nullptr, 0, MPI_BYTE, 0, ask, MPI_COMM_WORLD);
    for (int arrived = 0; arrived == 0;) {
      MPI_Test(&request, &arrived, MPI_STATUS_IGNORE);
      if (arrived == 0) std::this_thread::sleep_for(nap);
    }
    over_ = point == none;
    return over_ ? std::nullopt : std::optional(point);
  }

 private:
  std::mutex mutex_;
  bool over_ = false;
};

}  // namespace

MpiJob::MpiJob() {
  if (!launched_by_mpi()) return;
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
  if (provided < MPI_THREAD_SERIALIZED)
    throw BackendError("this MPI cannot be called by several threads in turn");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
}

MpiJob::~MpiJob() {
  if (size_ > 1) MPI_Finalize();
}

std::unique_ptr<PointSource> MpiJob::share(std::vector<std::uint64_t> left) const {
  if (size_ == 1) return std::make_unique<PointQueue>(std::move(left));
  if (rank_ == 0) return std::make_unique<ServedPoints>(std::move(left), size_ - 1);
  return std::make_unique<AskedPoints>();
}

}  // namespace spacemoe
