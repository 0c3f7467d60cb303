#include "cuda/path_table.hpp"

#include <cstdint>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/evaluation/cuda_backend.hpp"

namespace spacemoe::testing {
namespace {

constexpr std::uint32_t nodes = 40;

/// Tells where in which snapshot a latency belongs.
Nanoseconds latency_at(std::uint32_t snapshot, std::uint32_t node, std::uint32_t column) {
  return snapshot * 1'000'000 + node * 1000 + column;
}

DeviceBuffer<Nanoseconds> rows(std::uint32_t first, std::uint32_t count, std::uint32_t columns,
                               DeviceStream const& stream) {
  std::vector<Nanoseconds> row_ns;
  for (std::uint32_t snapshot = first; snapshot < first + count; ++snapshot) {
    for (std::uint32_t node = 0; node < nodes; ++node) {
      for (std::uint32_t c = 0; c < columns; ++c) row_ns.push_back(latency_at(snapshot, node, c));
    }
  }
  DeviceBuffer<Nanoseconds> buffer(row_ns, stream);
  stream.synchronize();
  return buffer;
}

class PathTables : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_status().devices.empty()) GTEST_SKIP() << "no CUDA device";
  }
};

TEST_F(PathTables, SourcesAreSortedAndFillWholeWarps) {
  std::vector const asked{satellite(9), satellite(2), satellite(9), satellite(5)};
  SortedSources const sorted(asked);
  ASSERT_EQ(sorted.node.size(), 32u);
  EXPECT_THAT(std::vector(sorted.node.begin(), sorted.node.begin() + 6),
              ::testing::ElementsAre(2, 5, 9, 9, 9, 9));
  EXPECT_THAT(sorted.column, ::testing::ElementsAre(2, 0, 3, 1));
  EXPECT_TRUE(SortedSources({}).node.empty());
}

TEST_F(PathTables, AnswerAlikeFromTheDeviceAndFromTheHost) {
  std::vector const asked{satellite(30), satellite(10), satellite(20)};
  DeviceStream const stream(std::make_shared<DevicePool>(0));
  CudaPathTable table(stream, nodes, SortedSources(asked));
  auto const expect_all = [&](std::uint32_t snapshots) {
    std::vector<PathQuery> const queries{{1, satellite(39)}, {2, satellite(0)}, {0, satellite(7)}};
    std::vector<Nanoseconds> looked_up;
    std::vector<std::uint64_t> sums(3 * nodes);
    for (std::uint32_t snapshot = 0; snapshot < snapshots; ++snapshot) {
      auto const row = table.row(snapshot, 0);  // satellite 30 is the third column
      ASSERT_EQ(row.size(), nodes);
      for (std::uint32_t node = 0; node < nodes; ++node) ASSERT_EQ(row[node], latency_at(snapshot, node, 2));
      for (auto const& [node, column] : {std::pair(39u, 0u), {0u, 1u}, {7u, 2u}}) {
        looked_up.push_back(latency_at(snapshot, node, column));
      }
      for (std::uint32_t i = 0; i < sums.size(); ++i) {
        sums[i] += latency_at(snapshot, i % nodes, (i / nodes + 2) % 3);
      }
    }
    EXPECT_EQ(table.gather(queries), looked_up);
    EXPECT_TRUE(table.gather({}).empty());
    EXPECT_EQ(table.sums({0, 0}), sums);
  };
  EXPECT_FALSE(table.move_to_host());
  table.add(rows(0, 3, 32, stream));
  expect_all(3);
  EXPECT_TRUE(table.move_to_host());
  expect_all(3);
  EXPECT_FALSE(table.move_to_host());
  table.add(rows(3, 2, 32, stream));
  table.add(rows(5, 1, 32, stream));
  expect_all(6);  // the first three on the host, the others on the device
  EXPECT_TRUE(table.move_to_host());
  expect_all(6);
}

}  // namespace
}  // namespace spacemoe::testing
