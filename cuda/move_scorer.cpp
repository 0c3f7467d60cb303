#include "cuda/move_scorer.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

#include <tbb/parallel_for.h>

#include "cuda/device_buffer.hpp"
#include "cuda/device_tables.hpp"
#include "cuda/move_scoring.hpp"
#include "cuda/path_latencies.hpp"

namespace spacemoe {
namespace {

/// Slots whose paths are found at once, and to whose multiples rows are padded: a warp.
constexpr std::uint32_t slots_at_once = 32;
/// The most changes of a launch: what a grid may have in its second and third dimension.
constexpr std::size_t most_changes = 65535;

/// The laws of all layers on a device.
class DeviceLaws {
 public:
  DeviceLaws(ScoringTables const& tables, DeviceStream const& stream) {
    std::vector<LayerLawView> views;
    for (std::uint32_t layer = 0; layer < tables.layers(); ++layer) {
      LayerLawView view = tables.view(layer);
      most_experts_ = std::max(most_experts_, static_cast<std::uint32_t>(view.expert.size()));
      view.expert = kept(view.expert, experts_, stream);
      for (auto* const numbers :
           {&view.within, &view.weight, &view.node_weight, &view.node_time, &view.odds}) {
        *numbers = kept(*numbers, numbers_, stream);
      }
      top_k_ = view.top_k;
      if (!view.node_weight.empty()) race_ = true;
      views.push_back(view);
    }
    views_ = DeviceBuffer<LayerLawView>(views, stream);
  }

  LayerLawView const* data() const { return views_.data(); }
  std::uint32_t most_experts() const { return most_experts_; }
  std::uint32_t top_k() const { return top_k_; }
  /// Whether layers of many experts race. With 2 to 8 of more than 16 drawn, either all such layers race or,
  /// under conditional Poisson, none.
  bool race() const { return race_; }

 private:
  template <class T>
  static Span<T const> kept(Span<T const> table, std::vector<DeviceBuffer<T>>& buffers,
                            DeviceStream const& stream) {
    if (table.empty()) return {};
    return buffers.emplace_back(std::span<T const>(table.data(), table.size()), stream).span();
  }

  std::vector<DeviceBuffer<ExpertIndex>> experts_;
  std::vector<DeviceBuffer<double>> numbers_;
  DeviceBuffer<LayerLawView> views_;
  std::uint32_t most_experts_ = 0;
  std::uint32_t top_k_ = 0;
  bool race_ = false;
};

/// Changes and their hosts, as they were asked for, and which of them a batch is made of.
struct Request {
  std::span<LayerChange const> changes;
  std::span<SatelliteId const> hosts;
  std::uint32_t experts;

  std::span<SatelliteId const> hosts_of(std::size_t change) const {
    return hosts.subspan(changes[change].first_host, experts);
  }
};

/// Some changes of a request whose results are not here yet.
template <class Number>
struct ScoringInFlight {
  std::span<std::size_t const> change;
  std::span<Number const> found;  ///< in pinned memory
};

class CudaMoveScorer final : public MoveScorer {
 public:
  CudaMoveScorer(SnapshotBatch const& batch, std::span<SatelliteId const> sources,
                 ScoringTables const& tables, std::shared_ptr<DevicePool const> const& memory,
                 Channels& channels)
      : tables_(tables),
        channels_{{Channel(memory), Channel(memory)}},
        laws_(tables, stream()),
        expert_ns_(tables.expert_ns(), stream()),
        satellite_ns_(tables.satellite_ns(), stream()),
        view_(pathless_view(tables, batch, slots_at_once)),
        path_ns_(sources.size() * view_.nodes * std::size_t{view_.slot_stride}, stream()) {
    view_.expert_ns = expert_ns_.span();
    view_.satellite_ns = satellite_ns_.span();
    view_.path_ns = path_ns_.span();
    stream().synchronize();
    for (std::uint32_t first = 0; first < view_.slots; first += slots_at_once) {
      auto const some = part(batch, first, std::min(slots_at_once, view_.slots - first));
      cuda_path_latencies(some, sources, channels)->copy_by_slot(first, view_.slot_stride, path_ns_);
    }
  }

  LayerScores score(std::span<LayerChange const> changes, std::span<SatelliteId const> hosts) const override {
    std::lock_guard const lock(mutex_);
    check(cudaSetDevice(stream().memory().device()));
    LayerScores scores;
    for (auto* const part : {&scores.mean_ns, &scores.variance_ns2, &scores.delivered}) {
      part->resize(changes.size() * view_.slots);
    }
    if (view_.slots == 0) return scores;
    Request const request{changes, hosts, view_.experts};
    std::vector<std::size_t> single, queued;
    for (std::size_t c = 0; c < changes.size(); ++c) {
      (shares_hosts(request.hosts_of(c)) ? queued : single).push_back(c);
    }
    score_on_device(request, single, scores);
    score_on_host(request, queued, scores);
    return scores;
  }

 private:
  DeviceStream const& stream() const { return channels_[0].stream; }

  /// Rows of scores of a change [slot].
  ScoreRows rows(std::size_t change, LayerScores& scores) const {
    std::size_t const at = change * view_.slots;
    return {&scores.mean_ns[at], &scores.variance_ns2[at], &scores.delivered[at]};
  }

  void score_on_device(Request const& request, std::span<std::size_t const> single,
                       LayerScores& scores) const {
    InFlight<ScoringInFlight<double>> in_flight(channels_, [&](ScoringInFlight<double>&& batch) {
      std::size_t const numbers = batch.change.size() * view_.slots;
      for (std::size_t i = 0; i < batch.change.size(); ++i) {
        double const* const found = batch.found.data() + i * view_.slots;
        ScoreRows const to = rows(batch.change[i], scores);
        std::copy_n(found, view_.slots, to.mean_ns);
        std::copy_n(found + numbers, view_.slots, to.variance_ns2);
        std::copy_n(found + 2 * numbers, view_.slots, to.delivered);
      }
    });
    auto const launch = [&](ScoringBatch const& batch, std::uint32_t changes, double* found,
                            DeviceStream const& stream) {
      std::size_t const numbers = std::size_t{changes} * view_.slots;
      launch_scores({batch, found, found + numbers, found + 2 * numbers}, changes, stream);
    };
    run(request, single, 3, in_flight, launch);
  }

  void launch_scores(ScoreOutput const& output, std::uint32_t changes, DeviceStream const& stream) const {
    launch_score_by_sets(output, changes, stream);
    if (laws_.most_experts() > max_subset_experts) {
      launch_score_in_order(output, changes, laws_.most_experts(), laws_.top_k(), laws_.race(), stream);
    }
  }

  /// Layers whose experts share hosts: the device looks up their paths.
  void score_on_host(Request const& request, std::span<std::size_t const> queued, LayerScores& scores) const {
    std::size_t const path_rows = 2 * std::size_t{view_.experts} + 1;
    InFlight<ScoringInFlight<Nanoseconds>> in_flight(channels_, [&](ScoringInFlight<Nanoseconds>&& batch) {
      tbb::parallel_for(std::size_t{0}, batch.change.size(), [&](std::size_t i) {
        std::size_t const change = batch.change[i];
        score_queued(tables_, request.changes[change], request.hosts_of(change),
                     paths(batch.found.data() + i * path_rows * view_.slots), view_.slots,
                     rows(change, scores));
      });
    });
    run(request, queued, path_rows, in_flight, launch_gather_changes);
  }

  /// Sends changes to the device in batches and brings back `numbers` numbers for each of them and slot.
  /// launch(batch, changes, found, stream) starts the kernels.
  template <class Number, class Launch>
  void run(Request const& request, std::span<std::size_t const> chosen, std::size_t numbers,
           InFlight<ScoringInFlight<Number>>& in_flight, Launch const& launch) const {
    std::size_t const change_bytes =
        sizeof(LayerChange) + view_.experts * sizeof(SatelliteId) + numbers * view_.slots * sizeof(Number);
    std::size_t const fit = batch_bytes(chosen.size() * change_bytes) / change_bytes;
    auto const size = [&](std::size_t, std::size_t most) {
      return std::clamp<std::size_t>(fit, 1, std::min(most, most_changes));
    };
    run_in_batches(
        chosen.size(), in_flight, size, [&](std::size_t first, std::size_t count, std::size_t turn) {
          return begin<Number>(request, chosen.subspan(first, count), numbers, launch, channels_[turn]);
        });
  }

  template <class Number, class Launch>
  ScoringInFlight<Number> begin(Request const& request, std::span<std::size_t const> chosen,
                                std::size_t numbers, Launch const& launch, Channel& channel) const {
    std::vector<LayerChange> changes;
    std::vector<SatelliteId> hosts;
    for (std::size_t const c : chosen) {
      changes.push_back(request.changes[c]);
      changes.back().first_host = hosts.size();
      auto const of_change = request.hosts_of(c);
      hosts.insert(hosts.end(), of_change.begin(), of_change.end());
    }
    DeviceBuffer<Number> const found(chosen.size() * numbers * view_.slots, channel.stream);
    std::size_t const bytes = padded_bytes(Span<LayerChange const>(changes), Span<SatelliteId const>(hosts));
    std::byte* const pinned = channel.pinned.room(bytes + found.bytes());
    DeviceTables tables(bytes, channel);
    ScoringBatch const batch{view_, laws_.data(), tables.add(Span<LayerChange const>(changes)).data(),
                             tables.add(Span<SatelliteId const>(hosts)).data()};
    tables.upload();
    launch(batch, static_cast<std::uint32_t>(changes.size()), found.data(), channel.stream);
    std::span const results(reinterpret_cast<Number*>(pinned + bytes), found.size());
    found.copy_to(results);
    return {chosen, results};
  }

  /// From rows one after the other, as launch_gather_changes leaves them.
  ChangePaths paths(Nanoseconds const* row) const {
    ChangePaths paths;
    for (std::size_t e = 0; e < view_.experts; ++e) {
      paths.there.push_back(row + e * view_.slots);
      paths.back.push_back(row + (view_.experts + e) * view_.slots);
    }
    paths.forward = row + 2 * std::size_t{view_.experts} * view_.slots;
    return paths;
  }

  ScoringTables const& tables_;
  mutable std::mutex mutex_;  ///< one call at a time has the channels
  mutable Channels channels_;
  DeviceLaws laws_;
  DeviceBuffer<std::uint64_t> expert_ns_;
  DeviceBuffer<std::uint64_t> satellite_ns_;
  ScoringView view_;
  DeviceBuffer<Nanoseconds> path_ns_;
};

}  // namespace

std::unique_ptr<MoveScorer> make_cuda_move_scorer(SnapshotBatch const& batch,
                                                  std::span<SatelliteId const> sources,
                                                  ScoringTables const& tables,
                                                  std::shared_ptr<DevicePool const> const& memory,
                                                  Channels& channels) {
  return std::make_unique<CudaMoveScorer>(batch, sources, tables, memory, channels);
}

}  // namespace spacemoe
