#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "cuda/device_buffer.hpp"
#include "host/evaluation/cuda_backend.hpp"
#include "tests/support/graphs.hpp"

// The program is linked so that its allocations come here (--wrap): they are counted, and some are refused.

namespace {

std::set<void const*> live;
int until_refusal = -1;  // allocations that succeed before one is refused; negative: all succeed
int refusals = 0;        // in a row, once they begin

}  // namespace

extern "C" {
cudaError_t __real_cudaMalloc(void** memory, std::size_t bytes);
cudaError_t __real_cudaFree(void* memory);

cudaError_t __wrap_cudaMalloc(void** memory, std::size_t bytes) {
  if (until_refusal == 0 && refusals > 0) {
    if (--refusals == 0) until_refusal = -1;
    return cudaErrorMemoryAllocation;
  }
  if (until_refusal > 0) --until_refusal;
  cudaError_t const status = __real_cudaMalloc(memory, bytes);
  if (status == cudaSuccess) live.insert(*memory);
  return status;
}

cudaError_t __wrap_cudaFree(void* memory) {
  live.erase(memory);
  return __real_cudaFree(memory);
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
    until_refusal = -1;
    refusals = 0;
    EXPECT_TRUE(live.empty()) << live.size() << " arrays leaked";
  }
  /// Refuses `count` allocations after `first` more have succeeded.
  static void refuse(int first, int count) {
    until_refusal = first;
    refusals = count;
  }
};

TEST_F(DeviceMemory, BuffersCopyAndMove) {
  std::vector<std::uint32_t> const numbers{3, 1, 4, 1, 5};
  DeviceBuffer<std::uint32_t> first(std::span<std::uint32_t const>(numbers), nullptr);
  DeviceBuffer<std::uint32_t> second(std::move(first));
  DeviceBuffer<std::uint32_t> third;
  third = std::move(second);
  std::vector<std::uint32_t> middle(3);
  third.copy_to(middle, nullptr, 1);
  check(cudaStreamSynchronize(nullptr));
  EXPECT_EQ(middle, (std::vector<std::uint32_t>{1, 4, 1}));
  EXPECT_EQ(live.size(), 1u);
  third.clear(nullptr);
  third.copy_to(middle, nullptr);
  check(cudaStreamSynchronize(nullptr));
  EXPECT_EQ(middle, (std::vector<std::uint32_t>{0, 0, 0}));
  EXPECT_EQ(DeviceBuffer<int>(0).data(), nullptr);
}

TEST_F(DeviceMemory, ErrorsNameThemselvesAndDoNotLinger) {
  EXPECT_THROW(DeviceBuffer<char>(std::size_t{1} << 60), DeviceOutOfMemory);
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

/// Cells whose layers all take one of two latencies.
struct Cells {
  static constexpr std::uint32_t layers = 3;
  std::vector<std::uint32_t> alias = std::vector<std::uint32_t>(layers * 2, 0x80000000u | 1u);
  std::vector<Nanoseconds> latency_ns{5, 7, 11, 13, 17, 19};
  std::vector<LayerCell> cells;

  Cells() {
    for (std::uint32_t c = 0; c < 9; ++c) cells.push_back({c, c, 700 * c, {layers, 1, 1, alias, latency_ns}});
  }
};

TEST_F(DeviceMemory, SamplingGoesOnInSmallerBatchesWhenMemoryRunsOut) {
  auto const backend = make_cuda_backend(0);
  Cells const cells;
  LatencyTally const whole = backend->sample_layers({1}, cells.cells);
  EXPECT_EQ(whole.cell[8].delivered, 5600u);
  for (int first = 2; first < 20; ++first) {  // two for the tallies, which everything needs
    for (int const count : {1, 3}) {
      refuse(first, count);
      EXPECT_EQ(backend->sample_layers({1}, cells.cells), whole) << "refused " << count << " after " << first;
    }
  }
}

TEST_F(DeviceMemory, SamplingFailsCleanlyWhenNothingFits) {
  auto const backend = make_cuda_backend(0);
  Cells const cells;
  for (int first = 0; first < 6; ++first) {
    refuse(first, 1000);
    EXPECT_THROW(backend->sample_layers({1}, cells.cells), DeviceOutOfMemory);
    EXPECT_TRUE(live.empty());
  }
}

TEST_F(DeviceMemory, PathsFailCleanlyWhenMemoryRunsOut) {
  Graph const listed_graph = random_graph(60, 120, 1);
  Graph const shell = shells("shell", {{"shell", 550, 53, 6, 8, 1}}, {});
  for (Graph const* const graph : {&listed_graph, &shell}) {
    std::vector<SatelliteId> const sources{satellite(3), satellite(17)};
    std::vector<Nanoseconds> const expected =
        make_cuda_backend(0)->path_latencies(graph->batch, sources)->row(0, 1);
    bool failed = false;
    for (int first = 0; first < 30; ++first) {
      auto const backend = make_cuda_backend(0);
      refuse(first, 1);
      try {
        EXPECT_EQ(backend->path_latencies(graph->batch, sources)->row(0, 1), expected);
      } catch (DeviceOutOfMemory const&) {
        failed = true;
      }
    }
    EXPECT_TRUE(failed) << graph->name;
  }
}

}  // namespace
}  // namespace spacemoe::testing
