#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cuda/channel.hpp"
#include "cuda/device_buffer.hpp"
#include "host/cpu/cpu_backend.hpp"
#include "host/evaluation/cuda_backend.hpp"
#include "host/evaluation/layer_steps.hpp"
#include "kernels/bins.hpp"
#include "tests/support/graphs.hpp"

// The program is linked so that these calls come here (--wrap): what they take is counted, and some of them
// fail.

namespace {

/// Things of the runtime that were taken and not given back.
struct Taken {
  std::multiset<void const*> arrays;  ///< device memory
  std::multiset<void const*> pinned;  ///< host memory
  int pools = 0;
  int streams = 0;
};

Taken taken;
int until_refusal = -1;             // allocations that succeed before one is refused; negative: all succeed
int refusals = 0;                   // in a row, once they begin
std::size_t most_bytes = SIZE_MAX;  // of one allocation
int trims = 0;                      // times that a pool had to give back what it kept
int until_bad_launch = -1;          // launches that start before one does not; negative: all start
cudaError_t launch_error = cudaSuccess;
cudaError_t attributes_error = cudaSuccess;

bool is_refused() {
  if (until_refusal == 0 && refusals > 0) {
    if (--refusals == 0) until_refusal = -1;
    return true;
  }
  if (until_refusal > 0) --until_refusal;
  return false;
}

cudaError_t counted(cudaError_t status, int& count, int change) {
  if (status == cudaSuccess) count += change;
  return status;
}

}  // namespace

extern "C" {
cudaError_t __real_cudaMallocFromPoolAsync(void** memory, std::size_t bytes, cudaMemPool_t pool,
                                           cudaStream_t stream);
cudaError_t __real_cudaFreeAsync(void* memory, cudaStream_t stream);
cudaError_t __real_cudaHostAlloc(void** memory, std::size_t bytes, unsigned flags);
cudaError_t __real_cudaFreeHost(void* memory);
cudaError_t __real_cudaMemPoolCreate(cudaMemPool_t* pool, cudaMemPoolProps const* properties);
cudaError_t __real_cudaMemPoolDestroy(cudaMemPool_t pool);
cudaError_t __real_cudaMemPoolTrimTo(cudaMemPool_t pool, std::size_t bytes);
cudaError_t __real_cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t __real_cudaStreamDestroy(cudaStream_t stream);
cudaError_t __real_cudaGetLastError();
cudaError_t __real_cudaFuncGetAttributes(cudaFuncAttributes* attributes, void const* kernel);
cudaError_t __real___cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments,
                                      std::size_t shared_bytes, cudaStream_t stream);

cudaError_t __wrap_cudaMallocFromPoolAsync(void** memory, std::size_t bytes, cudaMemPool_t pool,
                                           cudaStream_t stream) {
  if (is_refused() || bytes > most_bytes) return cudaErrorMemoryAllocation;
  cudaError_t const status = __real_cudaMallocFromPoolAsync(memory, bytes, pool, stream);
  if (status == cudaSuccess) taken.arrays.insert(*memory);
  return status;
}

cudaError_t __wrap_cudaFreeAsync(void* memory, cudaStream_t stream) {
  taken.arrays.erase(memory);
  return __real_cudaFreeAsync(memory, stream);
}

cudaError_t __wrap_cudaHostAlloc(void** memory, std::size_t bytes, unsigned flags) {
  if (is_refused()) return cudaErrorMemoryAllocation;
  cudaError_t const status = __real_cudaHostAlloc(memory, bytes, flags);
  if (status == cudaSuccess) taken.pinned.insert(*memory);
  return status;
}

cudaError_t __wrap_cudaFreeHost(void* memory) {
  taken.pinned.erase(memory);
  return __real_cudaFreeHost(memory);
}

cudaError_t __wrap_cudaMemPoolCreate(cudaMemPool_t* pool, cudaMemPoolProps const* properties) {
  return counted(__real_cudaMemPoolCreate(pool, properties), taken.pools, 1);
}

cudaError_t __wrap_cudaMemPoolDestroy(cudaMemPool_t pool) {
  return counted(__real_cudaMemPoolDestroy(pool), taken.pools, -1);
}

cudaError_t __wrap_cudaMemPoolTrimTo(cudaMemPool_t pool, std::size_t bytes) {
  ++trims;
  return __real_cudaMemPoolTrimTo(pool, bytes);
}

cudaError_t __wrap_cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return counted(__real_cudaStreamCreateWithFlags(stream, flags), taken.streams, 1);
}

cudaError_t __wrap_cudaStreamDestroy(cudaStream_t stream) {
  return counted(__real_cudaStreamDestroy(stream), taken.streams, -1);
}

cudaError_t __wrap___cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments,
                                      std::size_t shared_bytes, cudaStream_t stream) {
  if (until_bad_launch >= 0 && until_bad_launch-- == 0) return launch_error = cudaErrorLaunchOutOfResources;
  return __real___cudaLaunchKernel(kernel, grid, block, arguments, shared_bytes, stream);
}

cudaError_t __wrap_cudaGetLastError() {
  cudaError_t const real = __real_cudaGetLastError();
  cudaError_t const injected = std::exchange(launch_error, cudaSuccess);
  return injected == cudaSuccess ? real : injected;
}

cudaError_t __wrap_cudaFuncGetAttributes(cudaFuncAttributes* attributes, void const* kernel) {
  if (attributes_error != cudaSuccess) return attributes_error;
  return __real_cudaFuncGetAttributes(attributes, kernel);
}
}

namespace spacemoe::testing {
namespace {

class DeviceMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_status().devices.empty()) GTEST_SKIP() << "no CUDA device";
  }
  void TearDown() override {
    until_refusal = until_bad_launch = -1;
    refusals = 0;
    most_bytes = SIZE_MAX;
    launch_error = attributes_error = cudaSuccess;
    EXPECT_TRUE(taken.arrays.empty()) << taken.arrays.size() << " arrays leaked";
    EXPECT_TRUE(taken.pinned.empty()) << taken.pinned.size() << " blocks of pinned memory leaked";
    EXPECT_EQ(taken.pools, 0);
    EXPECT_EQ(taken.streams, 0);
  }
  /// Refuses `count` allocations after `first` more have succeeded. One refusal alone is no lack of memory:
  /// the pool may have kept it.
  static void refuse(int first, int count) {
    until_refusal = first;
    refusals = count;
  }
};

TEST_F(DeviceMemory, BuffersCopyAndMove) {
  DeviceStream const stream(std::make_shared<DevicePool>(0));
  std::vector<std::uint32_t> const numbers{3, 1, 4, 1, 5};
  DeviceBuffer<std::uint32_t> first(std::span<std::uint32_t const>(numbers), stream);
  DeviceBuffer<std::uint32_t> second(std::move(first));
  DeviceBuffer<std::uint32_t> third(2, stream);
  third = std::move(second);
  EXPECT_EQ(taken.arrays.size(), 1u);
  std::vector<std::uint32_t> middle(3);
  third.copy_to(middle, 1);
  stream.synchronize();
  EXPECT_EQ(middle, (std::vector<std::uint32_t>{1, 4, 1}));
  third.clear();
  third.copy_to(middle);
  stream.synchronize();
  EXPECT_EQ(middle, (std::vector<std::uint32_t>{0, 0, 0}));
  EXPECT_EQ(DeviceBuffer<int>(0, stream).data(), nullptr);
}

TEST_F(DeviceMemory, BuffersOutliveTheirStream) {
  DeviceBuffer<int> const kept(7, DeviceStream(std::make_shared<DevicePool>(0)));
  EXPECT_EQ(taken.streams, 1);
  EXPECT_EQ(taken.pools, 1);
}

TEST_F(DeviceMemory, PoolsGiveBackWhatTheyKeepBeforeMemoryIsOut) {
  DeviceStream const stream(std::make_shared<DevicePool>(0));
  int const trims_before = trims;
  refuse(0, 1);
  EXPECT_EQ(DeviceBuffer<int>(7, stream).size(), 7u);
  EXPECT_EQ(trims, trims_before + 1);
  refuse(0, 2);
  EXPECT_THROW(DeviceBuffer<int>(7, stream), DeviceOutOfMemory);
  EXPECT_EQ(trims, trims_before + 2);
}

TEST_F(DeviceMemory, PinnedMemoryGrowsAndIsKept) {
  PinnedMemory pinned;
  std::byte* const small = pinned.room(100);
  EXPECT_EQ(pinned.room(40), small);
  pinned.room(1000)[999] = std::byte{1};
  EXPECT_EQ(taken.pinned.size(), 1u);
  refuse(0, 1);
  EXPECT_THROW(pinned.room(2000), DeviceOutOfMemory);
  EXPECT_TRUE(taken.pinned.empty());
  pinned.room(500)[499] = std::byte{1};
  EXPECT_EQ(taken.pinned.size(), 1u);
}

TEST_F(DeviceMemory, BatchesAreFinishedInTheOrderInWhichTheyBegan) {
  auto const pool = std::make_shared<DevicePool const>(0);
  Channels channels{{Channel(pool), Channel(pool)}};
  std::vector<int> finished;
  InFlight<int> in_flight(channels, [&](int&& batch) { finished.push_back(batch); });
  EXPECT_FALSE(in_flight.finish_all());
  std::vector<std::size_t> turns;
  for (int batch = 0; batch < 5; ++batch) {
    in_flight.add([&](std::size_t turn) {
      turns.push_back(turn);
      return batch;
    });
    EXPECT_EQ(finished.size(), static_cast<std::size_t>(std::max(0, batch - 1)));
  }
  EXPECT_THROW(in_flight.add([](std::size_t) -> int { throw DeviceOutOfMemory("full"); }), DeviceOutOfMemory);
  EXPECT_TRUE(in_flight.finish_all());
  EXPECT_EQ(finished, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_EQ(turns, (std::vector<std::size_t>{0, 1, 0, 1, 0}));
  EXPECT_FALSE(in_flight.finish_all());
}

TEST_F(DeviceMemory, BatchesAreAFewOfAFewMebibytes) {
  constexpr std::size_t mib = 1 << 20;
  EXPECT_EQ(batch_bytes(0), mib);
  EXPECT_EQ(batch_bytes(3 * mib), mib);
  EXPECT_EQ(batch_bytes(20 * mib), 5 * mib);
  EXPECT_EQ(batch_bytes(1000 * mib), 16 * mib);
}

TEST_F(DeviceMemory, ErrorsNameThemselvesAndDoNotLinger) {
  DeviceStream const stream(std::make_shared<DevicePool>(0));
  EXPECT_THROW(DeviceBuffer<char>(std::size_t{1} << 60, stream), DeviceOutOfMemory);
  EXPECT_NO_THROW(check_launch());
  try {
    check(cudaErrorInvalidValue);
    FAIL();
  } catch (BackendError const& error) {
    EXPECT_NE(std::string(error.what()).find("cudaErrorInvalidValue, memory_test.cpp:"), std::string::npos);
  }
}

TEST_F(DeviceMemory, DevicesThatAreNotThereAreRefused) {
  EXPECT_THROW(make_cuda_backend(-1), BackendError);
  EXPECT_THROW(make_cuda_backend(static_cast<int>(cuda_status().devices.size())), BackendError);
}

TEST_F(DeviceMemory, DevicesThatCannotRunTheKernelsAreRefused) {
  EXPECT_EQ(cuda_device_refusal(0), "");
  struct {
    cudaError_t error;
    char const* remedy;
  } const refusals_of_kernels[] = {
      {cudaErrorNoKernelImageForDevice, "build it with cmake --preset cuda -DCMAKE_CUDA_"},
      {cudaErrorInvalidDeviceFunction, "build it with cmake --preset cuda -DCMAKE_CUDA_"},
      {cudaErrorUnsupportedPtxVersion, "install a newer driver"},
      {cudaErrorDevicesUnavailable, "or --backend cpu"}};
  CudaDevice const device = cuda_status().devices.front();
  for (auto const& refusal : refusals_of_kernels) {
    attributes_error = refusal.error;
    EXPECT_NE(cuda_device_refusal(0), "");
    try {
      make_cuda_backend(0);
      FAIL();
    } catch (BackendError const& error) {
      std::string const text = error.what();
      EXPECT_NE(text.find("device 0 (" + device.name + ", compute capability " +
                          std::to_string(device.compute_major)),
                std::string::npos)
          << text;
      EXPECT_NE(text.find(refusal.remedy), std::string::npos) << text;
    }
  }
  attributes_error = cudaSuccess;
  EXPECT_NO_THROW(check_launch());
  EXPECT_NO_THROW(make_cuda_backend(0));
}

/// Cells whose layers all take one of two latencies, in tables of so many columns that not all cells fit into
/// one batch.
struct Cells {
  static constexpr std::uint32_t layers = 3;
  static constexpr std::uint32_t column_bits = 12;
  static constexpr std::uint32_t count = 40;
  std::vector<std::uint32_t> alias;
  std::vector<Nanoseconds> latency_ns;
  std::vector<LayerCell> cells;

  Cells() {
    std::uint32_t const columns = 1u << column_bits;
    for (std::uint32_t i = 0; i < layers * columns; ++i) {
      alias.push_back(0x80000000u | (i + 1) % columns);
      latency_ns.push_back(i / columns * 1000 + i % 2);
    }
    for (std::uint32_t c = 0; c < count; ++c) {
      cells.push_back({c, c, 70 * c, {layers, column_bits, 1, alias, latency_ns}});
    }
  }
};

TEST_F(DeviceMemory, SamplingGoesOnInSmallerBatchesWhenMemoryRunsOut) {
  auto const backend = make_cuda_backend(0);
  Cells const cells;
  LatencyTally const whole = backend->sample_layers({1}, cells.cells);
  EXPECT_EQ(whole.cell[39].delivered, 2730u);
  EXPECT_EQ(whole, make_cuda_backend(0)->sample_layers({1}, cells.cells));
  for (int first = 0; first < 20; ++first) {
    for (int const count : {1, 2, 3, 6}) {
      auto const fresh = make_cuda_backend(0);  // has nothing pinned
      refuse(first, count);
      EXPECT_EQ(fresh->sample_layers({1}, cells.cells), whole) << "refused " << count << " after " << first;
    }
  }
}

TEST_F(DeviceMemory, SamplingFailsCleanlyWhenNothingFits) {
  auto const backend = make_cuda_backend(0);
  Cells const cells;
  for (int first = 0; first < 6; ++first) {
    refuse(first, 1000);
    EXPECT_THROW(backend->sample_layers({1}, cells.cells), DeviceOutOfMemory);
    EXPECT_TRUE(taken.arrays.empty());
  }
}

TEST_F(DeviceMemory, SamplingFailsCleanlyWhenALaunchFails) {
  auto const backend = make_cuda_backend(0);
  Cells const cells;
  LatencyTally const whole = backend->sample_layers({1}, cells.cells);
  for (int first = 0; first < 3; ++first) {
    until_bad_launch = first;
    EXPECT_THROW(backend->sample_layers({1}, cells.cells), BackendError);
    EXPECT_TRUE(taken.arrays.empty());
    EXPECT_EQ(backend->sample_layers({1}, cells.cells), whole);
  }
}

/// Scoring of layers of 3 and of 20 experts, some of them on one host, with everything that it needs.
struct Scoring {
  Graph graph = line(30);
  ScoringTables tables;
  std::vector<SatelliteId> sources{satellite(0), satellite(7)};
  std::vector<LayerChange> changes;
  std::vector<SatelliteId> hosts;

  explicit Scoring(std::uint32_t experts)
      : tables(RoutingLaw::plackett_luce, {1, experts, std::vector<double>(experts, 1.0)}, 2,
               ComputeTimes({}, given_times()), 30) {
    for (std::uint32_t c = 0; c < 40; ++c) {
      changes.push_back({0, c % 2, 1, 7, c, hosts.size()});
      for (std::uint32_t e = 0; e < experts; ++e) hosts.push_back(satellite(c % 5 == 0 ? e / 2 : e + c % 10));
    }
  }
  static ComputeSpec given_times() {
    ComputeSpec spec;
    spec.expert_ms = {1};
    return spec;
  }
  std::vector<double> means(MoveScorer const& scorer) const { return scorer.score(changes, hosts).mean_ns; }
};

TEST_F(DeviceMemory, ScoringGoesOnInSmallerBatchesWhenMemoryRunsOut) {
  for (std::uint32_t const experts : {3u, 20u}) {
    Scoring const scoring(experts);
    auto const whole =
        scoring.means(*make_cpu_backend()->move_scorer(scoring.graph.batch, scoring.sources, scoring.tables));
    for (int first = 0; first < 12; ++first) {
      auto const backend = make_cuda_backend(0);
      auto const scorer = backend->move_scorer(scoring.graph.batch, scoring.sources, scoring.tables);
      refuse(first, 3);
      EXPECT_EQ(scoring.means(*scorer), whole) << "refused after " << first;
      refuse(-1, 0);
    }
    auto const backend = make_cuda_backend(0);
    auto const scorer = backend->move_scorer(scoring.graph.batch, scoring.sources, scoring.tables);
    most_bytes = 500;  // room for a few changes
    EXPECT_EQ(scoring.means(*scorer), whole);
    most_bytes = SIZE_MAX;
  }
}

TEST_F(DeviceMemory, ScoringFailsCleanly) {
  Scoring const scoring(20);
  auto const backend = make_cuda_backend(0);
  auto const scorer = backend->move_scorer(scoring.graph.batch, scoring.sources, scoring.tables);
  auto const whole = scoring.means(*scorer);
  std::size_t const kept = taken.arrays.size();
  for (int first = 0; first < 4; ++first) {
    refuse(first, 1000);
    EXPECT_THROW(scoring.means(*scorer), DeviceOutOfMemory);
    EXPECT_EQ(taken.arrays.size(), kept);
    refuse(-1, 0);
    until_bad_launch = first;
    EXPECT_THROW(scoring.means(*scorer), BackendError);
    EXPECT_EQ(taken.arrays.size(), kept);
    EXPECT_EQ(scoring.means(*scorer), whole);
  }
  for (int first = 0; first < 8; ++first) {
    refuse(first, 1000);
    EXPECT_THROW(backend->move_scorer(scoring.graph.batch, scoring.sources, scoring.tables),
                 DeviceOutOfMemory);
    EXPECT_EQ(taken.arrays.size(), kept);
  }
}

TEST_F(DeviceMemory, CommonDrawsGoOnInSmallerBatchesOrFailCleanly) {
  LayerSteps const steps({{{100, 0.5}, {200, 0.5}}, 0});
  std::vector<CommonDraws> draws;
  for (std::uint32_t i = 0; i < 20; ++i) draws.push_back({i, 1, 0, 100 + i, steps.view()});
  auto const whole = make_cpu_backend()->draw_common({1}, draws);
  for (int first = 0; first < 8; ++first) {
    auto const backend = make_cuda_backend(0);
    refuse(first, 3);
    EXPECT_EQ(backend->draw_common({1}, draws), whole) << "refused after " << first;
  }
  auto const backend = make_cuda_backend(0);
  most_bytes = 2000;  // room for a few draws
  EXPECT_EQ(backend->draw_common({1}, draws), whole);
  most_bytes = SIZE_MAX;
  for (int first = 0; first < 3; ++first) {
    refuse(first, 1000);
    EXPECT_THROW(backend->draw_common({1}, draws), DeviceOutOfMemory);
    refuse(-1, 0);
    EXPECT_TRUE(taken.arrays.empty());
  }
  until_bad_launch = 0;
  EXPECT_THROW(backend->draw_common({1}, draws), BackendError);
  EXPECT_TRUE(taken.arrays.empty());
}

TEST_F(DeviceMemory, FoundTokensAreFoundInSmallerBatchesToo) {
  Cells const cells;
  std::vector<std::uint32_t> const bins{bin_of(3001), bin_of(3002)};
  auto const whole = make_cpu_backend()->find_layers({1}, cells.cells, bins);
  ASSERT_FALSE(whole.empty());
  for (int first = 0; first < 12; ++first) {
    auto const backend = make_cuda_backend(0);
    refuse(first, 3);
    auto found = backend->find_layers({1}, cells.cells, bins);
    EXPECT_TRUE(std::ranges::is_permutation(found, whole)) << "refused after " << first;
  }
}

/// Latencies of the last snapshot from the last source.
std::vector<Nanoseconds> last_row(Backend& backend, Graph const& graph,
                                  std::span<SatelliteId const> sources) {
  return backend.path_latencies(graph.batch, sources)
      ->row(graph.batch.snapshots - 1, static_cast<std::uint32_t>(sources.size() - 1));
}

TEST_F(DeviceMemory, PathsGoOnOrFailCleanlyWhenMemoryRunsOut) {
  Graph const listed_graph = random_graph(60, 120, 1);
  Graph const shell = shells("shell", {{"shell", 550, 53, 6, 8, 1}}, {}, 5);
  for (Graph const* const graph : {&listed_graph, &shell}) {
    std::vector<SatelliteId> const sources{satellite(3), satellite(17)};
    std::vector<Nanoseconds> const expected = last_row(*make_cuda_backend(0), *graph, sources);
    for (int const count : {1, 2, 5}) {
      int failed = 0;
      for (int first = 0; first < 30; ++first) {
        auto const backend = make_cuda_backend(0);
        refuse(first, count);
        try {
          EXPECT_EQ(last_row(*backend, *graph, sources), expected);
        } catch (DeviceOutOfMemory const&) {
          ++failed;
        }
      }
      // The host's memory is asked for once only, and one snapshot has no half.
      EXPECT_EQ(failed > 1, count > 1) << graph->name << ", refused " << count;
    }
  }
}

TEST_F(DeviceMemory, PathsFailCleanlyWhenALaunchFails) {
  Graph const shell = shells("shell", {{"shell", 550, 53, 6, 8, 1}}, {});
  std::vector<SatelliteId> const sources{satellite(3)};
  auto const backend = make_cuda_backend(0);
  std::vector<Nanoseconds> const expected = last_row(*backend, shell, sources);
  for (int first = 0; first < 4; ++first) {  // ports, sweep, settle, look-up
    until_bad_launch = first;
    try {
      last_row(*backend, shell, sources);
      FAIL() << "launch " << first << " is not there";
    } catch (BackendError const& error) {
      EXPECT_NE(std::string(error.what()).find("cudaErrorLaunchOutOfResources"), std::string::npos);
    }
    EXPECT_TRUE(taken.arrays.empty());
    EXPECT_EQ(last_row(*backend, shell, sources), expected);
  }
}

}  // namespace
}  // namespace spacemoe::testing
