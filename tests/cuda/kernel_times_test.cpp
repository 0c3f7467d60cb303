#include "cuda/kernel_times.hpp"

#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/evaluation/cuda_backend.hpp"
#include "tests/support/graphs.hpp"

namespace spacemoe::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class KernelTiming : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_status().devices.empty()) GTEST_SKIP() << "no CUDA device";
  }
};

std::vector<std::string> kernels(std::vector<KernelTime> const& times) {
  std::vector<std::string> names;
  for (KernelTime const& time : times) names.push_back(time.kernel);
  return names;
}

TEST_F(KernelTiming, TellsLaunchesByKernelOnlyWhileSomebodyListens) {
  Graph const graph = random_graph(60, 120, 1);
  auto const backend = make_cuda_backend(0);
  std::vector<SatelliteId> const sources{satellite(3), satellite(17)};
  auto const before = backend->path_latencies(graph.batch, sources);

  std::optional<KernelTimes> listener(std::in_place);
  EXPECT_THAT(listener->take(), IsEmpty());
  auto const table = backend->path_latencies(graph.batch, sources);
  table->row(0, 0);
  table->row(0, 1);
  std::vector<KernelTime> const times = listener->take();
  ASSERT_THAT(kernels(times), ElementsAre("interleave_ports", "relaxation", "gather_row"));
  EXPECT_EQ(times[1].launches, 1u);
  EXPECT_EQ(times[2].launches, 2u);
  for (KernelTime const& time : times) EXPECT_GT(time.seconds, 0) << time.kernel;

  std::uint64_t const link_bytes = graph.batch.latency_ns.size() * sizeof(Nanoseconds);
  EXPECT_EQ(times[0].least_bytes, 2 * link_bytes);
  EXPECT_EQ(times[1].least_bytes, 60 * 32 * sizeof(Nanoseconds) + 2 * link_bytes);  // one snapshot
  EXPECT_EQ(times[2].least_bytes, 2 * 60 * 2 * sizeof(Nanoseconds));

  EXPECT_THAT(listener->take(), IsEmpty());
  table->row(0, 0);
  listener.reset();
  table->row(0, 0);
  EXPECT_THAT(KernelTimes().take(), IsEmpty());
}

}  // namespace
}  // namespace spacemoe::testing
