#include "host/evaluation/backend_team.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <functional>
#include <future>
#include <numeric>
#include <string>
#include <utility>

namespace spacemoe {
namespace {

/// Where the share of a member begins; that of member number `members` is the end.
std::uint64_t share_begin(std::uint64_t all, std::size_t member, std::size_t members) {
  return all / members * member + std::min<std::uint64_t>(all % members, member);
}

/// Calls work(member) for so many members at the same time. Each has a thread of its own, which waits for its
/// device while the others do.
template <class Work>
void together(std::size_t members, Work const& work) {
  std::vector<std::future<void>> others;
  for (std::size_t m = 1; m < members; ++m) {
    others.push_back(std::async(std::launch::async, [&work, m] { work(m); }));
  }
  std::exception_ptr first_error;
  auto const keep_error = [&](auto const& finish) {
    try {
      finish();
    } catch (...) {
      if (!first_error) first_error = std::current_exception();
    }
  };
  keep_error([&] { work(0); });
  for (auto& other : others) keep_error([&] { other.get(); });
  if (first_error) std::rethrow_exception(first_error);
}

/// Snapshots of a batch in the tables of those that found them.
class TeamPathTable final : public PathTable {
 public:
  struct Part {
    std::uint32_t first;  ///< snapshot
    std::unique_ptr<PathTable> table;
  };

  explicit TeamPathTable(std::vector<Part> parts) : parts_(std::move(parts)) {}

  std::vector<Nanoseconds> gather(std::span<PathQuery const> queries) const override {
    std::vector<Nanoseconds> all;
    for (auto const& found :
         of_parts<Nanoseconds>([&](PathTable const& table) { return table.gather(queries); })) {
      all.insert(all.end(), found.begin(), found.end());
    }
    return all;
  }

  std::vector<Nanoseconds> row(std::uint32_t snapshot, std::uint32_t source) const override {
    Part const& part = *std::prev(std::ranges::upper_bound(parts_, snapshot, {}, &Part::first));
    return part.table->row(snapshot - part.first, source);
  }

  std::vector<std::uint64_t> sums(LostPath lost) const override {
    auto found = of_parts<std::uint64_t>([&](PathTable const& table) { return table.sums(lost); });
    for (std::size_t p = 1; p < found.size(); ++p) {
      std::ranges::transform(found[0], found[p], found[0].begin(), add_sums);
    }
    return std::move(found[0]);
  }

 private:
  /// What `look_up` returns for each part; these do their work side by side.
  template <class T, class LookUp>
  std::vector<std::vector<T>> of_parts(LookUp look_up) const {
    std::vector<std::vector<T>> found(parts_.size());
    together(parts_.size(), [&](std::size_t p) { found[p] = look_up(*parts_[p].table); });
    return found;
  }

  std::vector<Part> parts_;
};

/// Scores in consecutive snapshots, side by side.
class TeamMoveScorer final : public MoveScorer {
 public:
  struct Part {
    std::uint32_t first;  ///< snapshot
    std::uint32_t snapshots;
    std::unique_ptr<MoveScorer> scorer;
  };

  TeamMoveScorer(std::vector<Part> parts, std::uint32_t snapshots)
      : parts_(std::move(parts)), snapshots_(snapshots) {}

  LayerScores score(std::span<LayerChange const> changes, std::span<SatelliteId const> hosts) const override {
    std::size_t const count = changes.size() * snapshots_;
    LayerScores all{std::vector<double>(count), std::vector<double>(count), std::vector<double>(count)};
    together(parts_.size(), [&](std::size_t p) {
      LayerScores const scores = parts_[p].scorer->score(changes, hosts);
      put(parts_[p], scores.mean_ns, all.mean_ns);
      put(parts_[p], scores.variance_ns2, all.variance_ns2);
      put(parts_[p], scores.delivered, all.delivered);
    });
    return all;
  }

 private:
  /// Puts scores [change][snapshot of the part] where they belong in [change][snapshot].
  void put(Part const& part, std::vector<double> const& scores, std::vector<double>& all) const {
    for (std::size_t row = 0; row * part.snapshots < scores.size(); ++row) {
      std::ranges::copy(std::span(scores).subspan(row * part.snapshots, part.snapshots),
                        all.begin() + static_cast<std::ptrdiff_t>(row * snapshots_ + part.first));
    }
  }

  std::vector<Part> parts_;
  std::uint32_t snapshots_;
};

/// Consecutive cells, of which the first and the last may be parts of cells.
template <class Cell>
struct Share {
  std::size_t first_cell;
  std::vector<Cell> cells;
};

template <class Cell>
std::uint64_t all_tokens(std::span<Cell const> cells) {
  return std::transform_reduce(cells.begin(), cells.end(), std::uint64_t{0}, std::plus<>(),
                               [](Cell const& cell) { return std::uint64_t{cell.count}; });
}

/// Tokens [begin, end) of all that the cells hold, counted through.
template <class Cell>
Share<Cell> share_of(std::span<Cell const> cells, std::uint64_t begin, std::uint64_t end) {
  Share<Cell> share{0, {}};
  std::uint64_t before = 0;  // tokens of the cells before
  for (std::size_t c = 0; c < cells.size() && before < end; before += cells[c++].count) {
    if (before + cells[c].count <= begin) continue;
    std::uint64_t const first = std::max(begin, before);
    std::uint64_t const last = std::min(end, before + cells[c].count);
    if (share.cells.empty()) share.first_cell = c;
    Cell part = cells[c];
    part.first += static_cast<std::uint32_t>(first - before);
    part.count = static_cast<std::uint32_t>(last - first);
    share.cells.push_back(part);
  }
  return share;
}

class BackendTeam final : public Backend {
 public:
  explicit BackendTeam(std::vector<std::unique_ptr<Backend>> members)
      : members_(std::move(members)),
        name_(std::to_string(members_.size()) + " x " + std::string(members_.front()->name())) {}

  std::string_view name() const override { return name_; }

  std::unique_ptr<PathTable> path_latencies(SnapshotBatch const& batch,
                                            std::span<SatelliteId const> sources) override {
    auto const find = [&](Backend& member, std::uint32_t first, SnapshotBatch const& part) {
      return TeamPathTable::Part{first, member.path_latencies(part, sources)};
    };
    return std::make_unique<TeamPathTable>(of_snapshots<TeamPathTable::Part>(batch, find));
  }

  LatencyTally sample_tokens(RoutingView const& routing, Seed seed,
                             std::span<TokenCell const> cells) override {
    return sample(cells, [&](Backend& member, std::span<TokenCell const> share) {
      return member.sample_tokens(routing, seed, share);
    });
  }

  LatencyTally sample_layers(Seed seed, std::span<LayerCell const> cells) override {
    return sample(cells, [&](Backend& member, std::span<LayerCell const> share) {
      return member.sample_layers(seed, share);
    });
  }

  std::vector<std::uint64_t> find_tokens(RoutingView const& routing, Seed seed,
                                         std::span<TokenCell const> cells,
                                         std::span<std::uint32_t const> bins) override {
    return find(cells, [&](Backend& member, std::span<TokenCell const> share) {
      return member.find_tokens(routing, seed, share, bins);
    });
  }

  std::vector<std::uint64_t> find_layers(Seed seed, std::span<LayerCell const> cells,
                                         std::span<std::uint32_t const> bins) override {
    return find(cells, [&](Backend& member, std::span<LayerCell const> share) {
      return member.find_layers(seed, share, bins);
    });
  }

  std::vector<Nanoseconds> draw_common(Seed seed, std::span<CommonDraws const> draws) override {
    std::uint64_t const tokens = all_tokens(draws);
    std::vector<std::vector<Nanoseconds>> parts(members_.size());
    together(parts.size(), [&](std::size_t m) {
      auto const share =
          share_of(draws, share_begin(tokens, m, parts.size()), share_begin(tokens, m + 1, parts.size()));
      parts[m] = members_[m]->draw_common(seed, share.cells);
    });
    std::vector<Nanoseconds> latency_ns;
    for (auto const& part : parts) latency_ns.insert(latency_ns.end(), part.begin(), part.end());
    return latency_ns;
  }

  std::unique_ptr<MoveScorer> move_scorer(SnapshotBatch const& batch, std::span<SatelliteId const> sources,
                                          ScoringTables const& tables) override {
    auto const make = [&](Backend& member, std::uint32_t first, SnapshotBatch const& part) {
      return TeamMoveScorer::Part{first, part.snapshots, member.move_scorer(part, sources, tables)};
    };
    return std::make_unique<TeamMoveScorer>(of_snapshots<TeamMoveScorer::Part>(batch, make), batch.snapshots);
  }

 private:
  /// Calls work(member, first snapshot, part of the batch) for all members that have snapshots, at the same
  /// time, or for the first of no snapshots; `parts` holds something for each.
  template <class Part, class Work>
  std::vector<Part> of_snapshots(SnapshotBatch const& batch, Work const& work) {
    std::vector<Part> parts(std::clamp<std::size_t>(batch.snapshots, 1, members_.size()));
    together(parts.size(), [&](std::size_t m) {
      auto const first = static_cast<std::uint32_t>(share_begin(batch.snapshots, m, parts.size()));
      auto const end = static_cast<std::uint32_t>(share_begin(batch.snapshots, m + 1, parts.size()));
      parts[m] = work(*members_[m], first, part(batch, first, end - first));
    });
    return parts;
  }

  /// Cells for the members that get tokens: all in one share where only one does.
  template <class Cell>
  std::vector<Share<Cell>> shares_of(std::span<Cell const> cells) const {
    std::uint64_t const tokens = all_tokens(cells);
    std::size_t const busy = std::min<std::uint64_t>(tokens, members_.size());
    if (busy <= 1) return {{0, {cells.begin(), cells.end()}}};
    std::vector<Share<Cell>> shares;
    for (std::size_t m = 0; m < busy; ++m) {
      shares.push_back(share_of(cells, share_begin(tokens, m, busy), share_begin(tokens, m + 1, busy)));
    }
    return shares;
  }

  /// find_share(member, cells) finds tokens among the cells of a share.
  template <class Cell, class FindShare>
  std::vector<std::uint64_t> find(std::span<Cell const> cells, FindShare const& find_share) {
    auto const shares = shares_of(cells);
    std::vector<std::vector<std::uint64_t>> parts(shares.size());
    together(shares.size(), [&](std::size_t m) { parts[m] = find_share(*members_[m], shares[m].cells); });
    std::vector<std::uint64_t> found_ns;
    for (auto const& part : parts) found_ns.insert(found_ns.end(), part.begin(), part.end());
    return found_ns;
  }

  /// sample_share(member, cells) tallies the cells of a share.
  template <class Cell, class SampleShare>
  LatencyTally sample(std::span<Cell const> cells, SampleShare const& sample_share) {
    auto const shares = shares_of(cells);
    std::vector<LatencyTally> parts(shares.size());
    together(shares.size(), [&](std::size_t m) { parts[m] = sample_share(*members_[m], shares[m].cells); });
    LatencyTally tally = empty_tally(cells.size(), parts.front().layer_sum_ns.size());
    for (std::size_t m = 0; m < parts.size(); ++m) {
      for (std::size_t c = 0; c < parts[m].cell.size(); ++c) {
        tally.cell[shares[m].first_cell + c] += parts[m].cell[c];
      }
      add_counts(tally, parts[m]);
    }
    return tally;
  }

  std::vector<std::unique_ptr<Backend>> members_;
  std::string name_;
};

}  // namespace

std::unique_ptr<Backend> make_backend_team(std::vector<std::unique_ptr<Backend>> members) {
  assert(!members.empty());
  return std::make_unique<BackendTeam>(std::move(members));
}

}  // namespace spacemoe
