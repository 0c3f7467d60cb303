#include "cuda/move_scorer.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

#include "cuda/device_buffer.hpp"
#include "cuda/move_scoring.hpp"
#include "cuda/path_latencies.hpp"

namespace spacemoe {
namespace {

/// Slots whose paths are found at once, and to whose multiples rows are padded: a warp.
constexpr std::uint32_t slots_at_once = 32;
/// Scores of one launch, by changes and slots: some 24 MB of results.
constexpr std::size_t scores_at_once = std::size_t{1} << 20;
/// The most changes of a launch: what a grid may have in its second dimension.
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
      for (auto* const numbers : {&view.within, &view.weight, &view.node_weight, &view.absent}) {
        *numbers = kept(*numbers, numbers_, stream);
      }
      if (!view.node_weight.empty()) race_top_k_ = view.top_k;
      views.push_back(view);
    }
    views_ = DeviceBuffer<LayerLawView>(views, stream);
  }

  LayerLawView const* data() const { return views_.data(); }
  std::uint32_t most_experts() const { return most_experts_; }
  /// Experts drawn in the races of layers of many experts; 0 where no layer races. With 2 to 8 of more than
  /// 16 drawn, either all such layers race or, under conditional Poisson, none.
  std::uint32_t race_top_k() const { return race_top_k_; }

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
  std::uint32_t race_top_k_ = 0;
};

class CudaMoveScorer final : public MoveScorer {
 public:
  CudaMoveScorer(SnapshotBatch const& batch, std::span<SatelliteId const> sources,
                 ScoringTables const& tables, Channels& channels)
      : tables_(tables),
        stream_(channels[0].stream),
        laws_(tables, stream_),
        expert_ns_(tables.expert_ns(), stream_),
        satellite_ns_(tables.satellite_ns(), stream_) {
    view_.nodes = batch.wiring->nodes;
    view_.slots = batch.snapshots;
    view_.slot_stride = (batch.snapshots + slots_at_once - 1) / slots_at_once * slots_at_once;
    view_.experts = tables.experts();
    view_.expert_ns = expert_ns_.span();
    view_.satellite_ns = satellite_ns_.span();
    path_ns_ =
        DeviceBuffer<Nanoseconds>(sources.size() * view_.nodes * std::size_t{view_.slot_stride}, stream_);
    view_.path_ns = path_ns_.span();
    stream_.synchronize();
    for (std::uint32_t first = 0; first < view_.slots; first += slots_at_once) {
      auto const some = part(batch, first, std::min(slots_at_once, view_.slots - first));
      cuda_path_latencies(some, sources, channels)->copy_by_slot(first, view_.slot_stride, path_ns_);
    }
  }

  LayerScores score(std::span<LayerChange const> changes, std::span<SatelliteId const> hosts) const override {
    std::lock_guard const lock(mutex_);
    check(cudaSetDevice(stream_.memory().device()));
    LayerScores scores;
    for (auto* const part : {&scores.mean_ns, &scores.variance_ns2, &scores.delivered}) {
      part->resize(changes.size() * view_.slots);
    }
    DeviceBuffer<SatelliteId> const device_hosts(hosts, stream_);
    std::size_t const step =
        std::clamp<std::size_t>(scores_at_once / std::max(view_.slots, 1u), 1, most_changes);
    for (std::size_t first = 0; first < changes.size(); first += step) {
      auto const some = changes.subspan(first, std::min(step, changes.size() - first));
      score_some(some, hosts, device_hosts, first * view_.slots, scores);
    }
    return scores;
  }

 private:
  void score_some(std::span<LayerChange const> changes, std::span<SatelliteId const> hosts,
                  DeviceBuffer<SatelliteId> const& device_hosts, std::size_t at, LayerScores& scores) const {
    std::size_t const count = changes.size() * view_.slots;
    if (count == 0) return;
    DeviceBuffer<LayerChange> const device_changes(changes, stream_);
    DeviceBuffer<double> mean_ns(count, stream_);
    DeviceBuffer<double> variance_ns2(count, stream_);
    DeviceBuffer<double> delivered(count, stream_);
    ScoringBatch const batch{view_,          laws_.data(),        device_changes.data(), device_hosts.data(),
                             mean_ns.data(), variance_ns2.data(), delivered.data()};
    auto const number = static_cast<std::uint32_t>(changes.size());
    launch_score_by_sets(batch, number, stream_);
    if (laws_.most_experts() > max_subset_experts) {
      launch_score_in_order(batch, number, laws_.most_experts(), laws_.race_top_k(), stream_);
    }
    mean_ns.copy_to(std::span(scores.mean_ns).subspan(at, count));
    variance_ns2.copy_to(std::span(scores.variance_ns2).subspan(at, count));
    delivered.copy_to(std::span(scores.delivered).subspan(at, count));
    stream_.synchronize();
    score_queued_ones(batch, changes, hosts, at, scores);
  }

  void score_queued_ones(ScoringBatch const& batch, std::span<LayerChange const> changes,
                         std::span<SatelliteId const> hosts, std::size_t at, LayerScores& scores) const {
    std::size_t const rows = 2 * std::size_t{view_.experts} + 1;
    DeviceBuffer<Nanoseconds> found;
    std::vector<Nanoseconds> path_ns(rows * view_.slots);
    for (std::uint32_t c = 0; c < changes.size(); ++c) {
      auto const changed = hosts.subspan(changes[c].first_host, view_.experts);
      if (!shares_hosts(changed)) continue;
      if (found.size() == 0) found = DeviceBuffer<Nanoseconds>(path_ns.size(), stream_);
      launch_gather_change(batch, c, found.data(), stream_);
      found.copy_to(path_ns);
      stream_.synchronize();
      std::size_t const first = at + c * std::size_t{view_.slots};
      score_queued(tables_, changes[c], changed, paths(path_ns), view_.slots,
                   {&scores.mean_ns[first], &scores.variance_ns2[first], &scores.delivered[first]});
    }
  }

  ChangePaths paths(std::vector<Nanoseconds> const& path_ns) const {
    ChangePaths paths;
    for (std::size_t e = 0; e < view_.experts; ++e) {
      paths.there.push_back(&path_ns[e * view_.slots]);
      paths.back.push_back(&path_ns[(view_.experts + e) * view_.slots]);
    }
    paths.forward = &path_ns[2 * std::size_t{view_.experts} * view_.slots];
    return paths;
  }

  ScoringTables const& tables_;
  DeviceStream stream_;
  DeviceLaws laws_;
  DeviceBuffer<std::uint64_t> expert_ns_;
  DeviceBuffer<std::uint64_t> satellite_ns_;
  DeviceBuffer<Nanoseconds> path_ns_;
  ScoringView view_;
  mutable std::mutex mutex_;
};

}  // namespace

std::unique_ptr<MoveScorer> make_cuda_move_scorer(SnapshotBatch const& batch,
                                                  std::span<SatelliteId const> sources,
                                                  ScoringTables const& tables, Channels& channels) {
  return std::make_unique<CudaMoveScorer>(batch, sources, tables, channels);
}

}  // namespace spacemoe
