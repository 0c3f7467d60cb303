#include "host/search/mean_paths.hpp"

#include <array>

#include <gmock/gmock.h>

#include "host/cpu/cpu_backend.hpp"

namespace spacemoe {
namespace {

using ::testing::ElementsAre;

// Satellites 0 - 1 - 2 in a row: 10 ns and 20 ns in one slot, 30 ns and no second link in the other.
class MeanPathsOfTwoSlots : public ::testing::Test {
 protected:
  MeanPaths paths(LostPath lost) {
    Network const network(3, {{satellite(0), satellite(1), 10}, {satellite(1), satellite(2), 20}}, {}, {});
    Snapshot first = network.snapshot(0, 0, Purpose::planning_outage);
    Snapshot second = first;
    second.latency_ns = {30, unreachable};
    auto const backend = make_cpu_backend();
    std::array const sources{satellite(0), satellite(2)};
    return MeanPaths(batch(network.wiring(), {first, second}), *backend, sources, lost);
  }
};

TEST_F(MeanPathsOfTwoSlots, ShunWhatIsLost) {
  MeanPaths const mean = paths(shun_lost);
  EXPECT_EQ(mean.sources(), 2u);
  EXPECT_THAT(mean.from(0), ElementsAre(0, 20, (30 + 100 * 30) / 2));
  EXPECT_THAT(mean.from(1), ElementsAre(30 / 2, 20 / 2, 0));
}

TEST_F(MeanPathsOfTwoSlots, CountNothingWithoutAPath) {
  EXPECT_THAT(paths(ignore_lost).from(0), ElementsAre(0, 20, 30 / 2));
}

TEST_F(MeanPathsOfTwoSlots, ForbidWhatIsLostOnce) {
  EXPECT_THAT(paths(forbid_lost).from(0), ElementsAre(0, 20, unreachable));
}

}  // namespace
}  // namespace spacemoe
