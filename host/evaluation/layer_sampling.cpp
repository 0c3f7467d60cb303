#include "host/evaluation/layer_sampling.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <vector>

#include <tbb/parallel_for.h>

#include "host/evaluation/layer_tables.hpp"

namespace spacemoe {
namespace {

/// Cells whose distributions one task works out layer by layer, so that a law's tables are fetched once for
/// all of them.
constexpr std::size_t cells_per_task = 8;

using CellTables = std::vector<std::optional<LayerTables>>;

/// Tables of those cells that have tokens.
void build_tables(std::span<LayerLaw const> laws, std::span<TokenCell const> cells,
                  std::span<std::optional<LayerTables>> tables) {
  std::vector<std::vector<LayerDistribution>> distributions(cells.size());
  for (auto& layers : distributions) layers.reserve(laws.size());
  for (std::uint32_t layer = 0; layer < laws.size(); ++layer) {
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (cells[c].count > 0) distributions[c].push_back(laws[layer].distribution(cells[c].cost, layer));
    }
  }
  for (std::size_t c = 0; c < cells.size(); ++c) {
    if (cells[c].count > 0) tables[c].emplace(distributions[c], cells[c].cost.fixed_ns);
  }
}

CellTables build_tables(std::span<LayerLaw const> laws, std::span<TokenCell const> cells) {
  CellTables tables(cells.size());
  std::size_t const tasks = (cells.size() + cells_per_task - 1) / cells_per_task;
  tbb::parallel_for(std::size_t{0}, tasks, [&](std::size_t task) {
    std::size_t const first = task * cells_per_task;
    std::size_t const count = std::min(cells_per_task, cells.size() - first);
    build_tables(laws, cells.subspan(first, count), std::span(tables).subspan(first, count));
  });
  return tables;
}

std::vector<LayerCell> layer_cells(std::span<TokenCell const> cells, CellTables const& tables) {
  std::vector<LayerCell> result;
  result.reserve(cells.size());
  for (std::size_t c = 0; c < cells.size(); ++c) {
    LayerTablesView view;
    view.layers = cells[c].cost.layers;
    if (tables[c]) view = tables[c]->view();
    result.push_back({cells[c].slot, cells[c].first, cells[c].count, view});
  }
  return result;
}

std::size_t cells_at_once(std::span<TokenCell const> cells) {
  CostView const& cost = cells.front().cost;
  std::size_t const columns = std::max(std::bit_ceil(cost.experts), std::uint32_t{1} << least_column_bits);
  std::size_t const bytes = cost.layers * columns * (sizeof(std::uint32_t) + sizeof(Nanoseconds));
  return std::max<std::size_t>(1, layer_table_bytes / bytes);
}

/// Works out the distributions of some cells at a time and passes them on as `use(cells)`.
template <class Use>
void for_layer_cells(std::span<LayerLaw const> laws, std::span<TokenCell const> cells, Use use) {
  if (cells.empty()) return;
  std::size_t const step = cells_at_once(cells);
  for (std::size_t first = 0; first < cells.size(); first += step) {
    auto const some = cells.subspan(first, std::min(step, cells.size() - first));
    CellTables const tables = build_tables(laws, some);
    use(layer_cells(some, tables));
  }
}

}  // namespace

LatencyTally sample_by_layers(Backend& backend, std::span<LayerLaw const> laws, Seed seed,
                              std::span<TokenCell const> cells) {
  LatencyTally tally = empty_tally(0, laws.size());
  for_layer_cells(laws, cells, [&](std::span<LayerCell const> some) {
    LatencyTally const part = backend.sample_layers(seed, some);
    tally.cell.insert(tally.cell.end(), part.cell.begin(), part.cell.end());
    add_counts(tally, part);
  });
  return tally;
}

std::vector<std::uint64_t> find_by_layers(Backend& backend, std::span<LayerLaw const> laws, Seed seed,
                                          std::span<TokenCell const> cells,
                                          std::span<std::uint32_t const> bins) {
  std::vector<std::uint64_t> found_ns;
  for_layer_cells(laws, cells, [&](std::span<LayerCell const> some) {
    std::vector<std::uint64_t> const part_ns = backend.find_layers(seed, some, bins);
    found_ns.insert(found_ns.end(), part_ns.begin(), part_ns.end());
  });
  return found_ns;
}

}  // namespace spacemoe
