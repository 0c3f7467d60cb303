#include "kernels/order_statistic.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "host/model/integer_alias.hpp"
#include "tests/support/backends.hpp"

namespace spacemoe::testing {
namespace {

using OrderStatistic = EveryBackend;

INSTANTIATE_TEST_SUITE_P(Backends, OrderStatistic, ::testing::ValuesIn(backend_cases()), case_name);

/// Random tables of some layers; the last atom of every third layer may be unreachable.
struct Tables {
  std::uint32_t layers;
  std::uint32_t column_bits;
  std::vector<std::uint32_t> alias;
  std::vector<Nanoseconds> latency_ns;

  Tables(std::uint32_t layer_count, std::uint32_t bits, std::uint32_t atoms, Nanoseconds most_ns, bool lossy)
      : layers(layer_count), column_bits(bits), latency_ns(std::size_t{layer_count} << bits) {
    std::mt19937 random(atoms + layer_count);
    std::vector<double> weight(atoms);
    for (std::uint32_t l = 0; l < layers; ++l) {
      for (std::uint32_t a = 0; a < atoms; ++a) {
        weight[a] = static_cast<double>(1 + random() % 1000);
        latency_ns[(l << bits) + a] = static_cast<Nanoseconds>(random() % most_ns);
      }
      if (lossy && l % 3 == 1) {
        weight[atoms - 1] = 10;
        latency_ns[(l << bits) + atoms - 1] = unreachable;
      }
      append_alias_columns(integer_weights(weight), bits, alias);
    }
  }

  LayerTablesView view() const { return {layers, column_bits, 12345, alias, latency_ns}; }
};

/// Sorted latencies of the delivered tokens in some bins, by the kernel's function.
std::vector<std::uint64_t> found_by_hand(Seed seed, std::vector<LayerCell> const& cells,
                                         std::vector<std::uint32_t> const& bins) {
  std::vector<std::uint64_t> found_ns;
  std::vector<Nanoseconds> layer_ns(cells.front().tables.layers);
  for (auto const& cell : cells) {
    for (std::uint32_t i = 0; i < cell.count; ++i) {
      std::uint64_t const latency = token_latency(cell.tables, seed, cell.slot, cell.first + i, layer_ns);
      if (latency == undeliverable) continue;
      if (std::ranges::count(bins, bin_of(latency)) > 0) found_ns.push_back(latency);
    }
  }
  std::ranges::sort(found_ns);
  return found_ns;
}

/// One token after the other, by the kernel's function.
LatencyTally by_hand(Seed seed, std::vector<LayerCell> const& cells) {
  std::uint32_t const layers = cells.front().tables.layers;
  LatencyTally tally{{}, std::vector<std::uint64_t>(bin_count), std::vector<std::uint64_t>(layers)};
  std::vector<Nanoseconds> layer_ns(layers);
  for (auto const& cell : cells) {
    Moments moments;
    for (std::uint32_t i = 0; i < cell.count; ++i) {
      std::uint64_t const latency = token_latency(cell.tables, seed, cell.slot, cell.first + i, layer_ns);
      ++moments.tokens;
      if (latency == undeliverable) continue;
      ++moments.delivered;
      moments.sum_ns += latency;
      moments.sum_squares_ns2 += Uint128{latency} * latency;
      ++tally.histogram[bin_of(latency)];
      for (std::uint32_t l = 0; l < layers; ++l) tally.layer_sum_ns[l] += layer_ns[l];
    }
    tally.cell.push_back(moments);
  }
  return tally;
}

struct Shape {
  std::uint32_t layers, column_bits, atoms;
};

// Tables of a register, of two, of four; of more columns than a byte counts; of few.
constexpr Shape shapes[] = {{1, 6, 1},    {5, 6, 9},   {32, 6, 64}, {3, 7, 100}, {8, 7, 128},  {10, 8, 129},
                            {58, 8, 256}, {2, 9, 385}, {7, 9, 512}, {6, 3, 8},   {4, 11, 1500}};

TEST_P(OrderStatistic, EveryShapeGivesTheKernelsTally) {
  for (Shape const& shape : shapes) {
    for (bool const lossy : {false, true}) {
      Tables const tables(shape.layers, shape.column_bits, shape.atoms, 300'000'000, lossy);
      LayerTablesView const view = tables.view();
      // Cells that begin and end anywhere in a Philox block, in a group of tokens and in a task.
      std::vector<LayerCell> const cells{{0, 0, 1, view},
                                         {7, 0, 64, view},
                                         {1, 63, 2, view},
                                         {2, 5, 130, view},
                                         {3, 3, 4097, view},
                                         {4, 8190, 2300, view},
                                         {5, 0xfffff001, 0xffe, view},
                                         {6, 17, 0, view}};
      LatencyTally const expected = by_hand({0xfedcba9876543210}, cells);
      run([&] {
        EXPECT_EQ(backend().sample_layers({0xfedcba9876543210}, cells), expected)
            << shape.layers << " layers, " << shape.atoms << " atoms, lossy " << lossy;
      });
    }
  }
}

TEST_P(OrderStatistic, CountsAroundWarpsAndBlocksAreTallied) {
  Tables const tables(6, 6, 40, 300'000'000, true);
  std::vector<LayerCell> cells;
  for (std::uint32_t const count :
       {0u, 1u, 31u, 32u, 33u, 127u, 128u, 129u, 1023u, 1024u, 1025u, 2047u, 2048u, 2049u}) {
    cells.push_back({count, 0, count, tables.view()});
    cells.push_back({count, 4093, count, tables.view()});
  }
  LatencyTally const expected = by_hand({9}, cells);
  run([&] {
    EXPECT_EQ(backend().sample_layers({9}, cells), expected);
    for (std::size_t c = 0; c < cells.size(); ++c) {
      auto const alone = backend().sample_layers({9}, std::span(cells).subspan(c, 1));
      EXPECT_EQ(alone.cell[0], expected.cell[c]) << cells[c].count << " tokens";
    }
  });
}

// Two bytes of a word leave one draw in 256 undecided: here more of a block's than a device has room for.
TEST_P(OrderStatistic, UndecidedDrawsOfManyLayersAreTallied) {
  for (bool const lossy : {false, true}) {
    Tables const tables(200, 6, 64, 300'000'000, lossy);
    std::vector<LayerCell> const cells{{0, 0, 2048, tables.view()}, {1, 6, 2047, tables.view()}};
    LatencyTally const expected = by_hand({5}, cells);
    run([&] { EXPECT_EQ(backend().sample_layers({5}, cells), expected) << "lossy " << lossy; });
  }
}

TEST_P(OrderStatistic, SumsBeyond32BitsAreExact) {
  for (std::uint32_t const column_bits : {6u, 8u, 9u}) {
    Tables tables(11, column_bits, 40, 2, false);
    for (auto& latency : tables.latency_ns) latency = latency == 1 ? unreachable - 1 : unreachable - 2;
    std::vector<LayerCell> const cells{{0, 1, 3000, tables.view()}};
    LatencyTally const expected = by_hand({3}, cells);
    EXPECT_GT(expected.cell[0].sum_ns, Uint128{3000} * 11 * 0x7ffffffc);
    run([&] { EXPECT_EQ(backend().sample_layers({3}, cells), expected); });
  }
}

TEST_P(OrderStatistic, ATableOfOnlyUnreachableAtomsDeliversNothing) {
  Tables tables(4, 6, 3, 1000, false);
  for (std::uint32_t a = 0; a < 3; ++a) tables.latency_ns[64 + a] = unreachable;
  run([&] {
    LatencyTally const tally =
        backend().sample_layers({1}, std::vector<LayerCell>{{0, 0, 500, tables.view()}});
    EXPECT_EQ(tally.cell[0].tokens, 500u);
    EXPECT_EQ(tally.cell[0].delivered, 0u);
    EXPECT_EQ(tally.cell[0].sum_ns, 0u);
    EXPECT_EQ(tally.layer_sum_ns, std::vector<std::uint64_t>(4));
  });
}

TEST_P(OrderStatistic, TokensInBinsAreFound) {
  for (std::uint32_t const column_bits : {6u, 9u}) {
    Tables const tables(6, column_bits, 40, 300'000'000, true);
    std::vector<LayerCell> const cells{
        {0, 3, 5000, tables.view()}, {1, 0, 0, tables.view()}, {2, 0, 2049, tables.view()}};
    LatencyTally const tally = by_hand({4}, cells);
    std::vector<std::uint32_t> bins;  // every other
    for (std::uint32_t bin = 0; bin < bin_count; bin += 2) {
      if (tally.histogram[bin] > 0) bins.push_back(bin);
    }
    auto const expected = found_by_hand({4}, cells, bins);
    ASSERT_GT(expected.size(), 1000u);
    ASSERT_LT(expected.size(), 5000u);
    run([&] {
      auto found = backend().find_layers({4}, cells, bins);
      std::ranges::sort(found);
      EXPECT_EQ(found, expected) << column_bits;
      EXPECT_TRUE(backend().find_layers({4}, cells, {}).empty());
    });
  }
}

TEST_P(OrderStatistic, NoCellsGiveAnEmptyTally) {
  run([&] { EXPECT_TRUE(backend().sample_layers({1}, {}).cell.empty()); });
}

}  // namespace
}  // namespace spacemoe::testing
