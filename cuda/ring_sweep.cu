#include <algorithm>
#include <vector>

#include "cuda/check.hpp"
#include "cuda/kernel_times.hpp"
#include "cuda/ring_sweep.hpp"
#include "cuda/warp.cuh"
#include "kernels/plane_rows.hpp"

namespace spacemoe {
namespace {

constexpr std::uint32_t warps_per_block = 4;
constexpr std::uint32_t shared_bytes = 48 << 10;  // what every device grants a block
constexpr std::uint32_t any_size = 0;

/// What a thread works on: a source in a snapshot, within one shell.
struct SourceInShell {
  PathBatch const& batch;
  GridView const& grid;
  std::uint32_t snapshot;
  std::uint32_t number;  ///< of the source

  __device__ GridLinks const* links(std::uint32_t plane) const {
    auto const* const all = reinterpret_cast<GridLinks const*>(batch.links(snapshot).data());
    return all + grid.node(plane);
  }
  __device__ StridedRow row(std::uint32_t plane) const {
    std::size_t const stride = batch.source.size();
    return {batch.row(snapshot, number) + grid.node(plane) * stride, stride, grid.slots};
  }
};

/// Where the last snapshots do not fill a warp, several lanes do the same.
__device__ SourceInShell source_in_shell(PathBatch const& batch, GridView const& grid, WarpShare share,
                                         std::uint32_t task) {
  std::uint32_t const groups = share.groups(batch);
  std::uint32_t const snapshot = task / groups * share.snapshots() + (threadIdx.x >> share.source_bits);
  std::uint32_t const number = task % groups * share.sources() + (threadIdx.x & (share.sources() - 1));
  return {batch, grid, min(snapshot, batch.snapshots - 1), number};
}

/// Where a thread keeps a plane it works on: in registers where the number of slots is known here, in shared
/// memory for `any_size`. Not initialised.
template <std::uint32_t slots>
__device__ auto plane_row([[maybe_unused]] GridView const& grid, [[maybe_unused]] std::uint32_t number = 0) {
  if constexpr (slots == any_size) {
    extern __shared__ Nanoseconds shared[];
    std::uint32_t const rows_before = number * blockDim.y + threadIdx.y;
    return StridedRow(shared + rows_before * grid.slots * lanes + threadIdx.x, lanes, grid.slots);
  } else {
    return RegisterRow<slots>();
  }
}

template <class Row>
__device__ void load(Row& row, StridedRow from) {
#pragma unroll
  for (std::uint32_t slot = 0; slot < row.slots(); ++slot) row[slot] = from[slot];
}

template <class Row>
__device__ void store(Row& row, StridedRow to) {
#pragma unroll
  for (std::uint32_t slot = 0; slot < row.slots(); ++slot) to[slot] = row[slot];
}

template <class Row>
__device__ void copy(Row& from, Row& to) {
#pragma unroll
  for (std::uint32_t slot = 0; slot < from.slots(); ++slot) to[slot] = from[slot];
}

template <class Row>
__device__ void start(Row& row, std::uint32_t source_slot) {
#pragma unroll
  for (std::uint32_t slot = 0; slot < row.slots(); ++slot) row[slot] = slot == source_slot ? 0 : unreachable;
}

/// Planes that half a sweep goes on from that of a source, where the way round is closed.
__device__ std::uint32_t half_way(GridView const& grid, Way way) {
  return way == Way::forward ? grid.planes / 2 : grid.planes - 1 - grid.planes / 2;
}

/// The steps of half a sweep at which a source takes part.
struct Part {
  std::uint32_t start;  ///< the step at which the sweep is at the plane of the source
  std::uint32_t last;
  std::uint32_t slot;  ///< of the source
};

/// Sources of other shells start at the first plane of the arc, at no slot: all of theirs stays unreachable.
__device__ Part part(GridView const& grid, PlaneArc const& arc, Way way, std::uint32_t source) {
  std::uint32_t const within = source - grid.first;
  bool const is_here = within < grid.planes * grid.slots;
  std::uint32_t const plane = is_here ? within / grid.slots : arc.first;
  std::uint32_t const slot = is_here ? within % grid.slots : grid.slots;
  std::uint32_t const ahead =
      way == Way::forward ? plane + grid.planes - arc.first : arc.last + grid.planes - plane;
  std::uint32_t const start = ahead % grid.planes;
  if (grid.is_circle()) return {start, start + half_way(grid, way), slot};
  return {start, start + (way == Way::forward ? grid.planes - 1 - plane : plane), slot};
}

/// Flags of a task: which planes have something to offer to the next one that way.
struct OfferFlags {
  std::uint32_t* flag;  ///< [way][plane]
  std::uint32_t planes;

  __device__ std::uint32_t& of(std::uint32_t plane, Way way) const {
    return flag[(way == Way::forward ? 0 : planes) + plane];
  }
};

__device__ OfferFlags offer_flags(std::uint32_t* flag, std::uint32_t planes, std::uint32_t task) {
  return {flag + std::size_t{2} * planes * task, planes};
}

/// Goes from the planes of a warp's sources half way around the shell, or to the seam. Every satellite is
/// written once: by the half that goes its way from the thread's own source. Notes which planes have
/// something to offer to the one before them, and returns the greatest latency.
template <class Row>
__device__ Nanoseconds sweep_half(SourceInShell const& here, PlaneArc const& arc, Way way, Row& row,
                                  Row& before, OfferFlags const& offers) {
  Part const mine = part(here.grid, arc, way, here.batch.source[here.number]);
  std::uint32_t const last = greatest_of_warp(mine.last);
  Nanoseconds greatest = 0;
  std::uint32_t previous = 0;
  std::uint32_t plane = way == Way::forward ? arc.first : arc.last;
  for (std::uint32_t step = 0; step <= last; ++step) {
    bool const starting = step == mine.start;
    bool offers_back = false;
    if (starting) start(row, mine.slot);
    if (step >= mine.start && step <= mine.last) {
      std::uint32_t const first_slot = starting ? 0 : here.grid.first_slot(previous, way);
      row.turn(first_slot);
      copy(row, before);
      enter_plane(row, here.links(plane), way, starting);
      // The plane of the source itself belongs to the forward half.
      if (!starting || way == Way::forward) store(row, here.row(plane));
      greatest = max(greatest, greatest_finite(row));
      offers_back = !starting && gains_from_next(before, here.links(previous), first_slot, row, way);
    }
    if (__any_sync(whole_warp, offers_back) && threadIdx.x == 0) offers.of(plane, opposite(way)) = 1;
    previous = plane;
    plane = here.grid.next(plane, way);
  }
  return greatest;
}

/// One warp per task and way.
template <std::uint32_t slots>
__global__ void __launch_bounds__(lanes* warps_per_block, slots <= 22 ? 3 : 2)
    ring_sweep(PathBatch batch, GridView grid, WarpShare share, PlaneArc const* arc, std::uint32_t* offers,
               Greatest* greatest) {
  std::uint32_t const warp = blockIdx.x * blockDim.y + threadIdx.y;
  if (warp >= 2 * share.tasks(batch)) return;
  SourceInShell const here = source_in_shell(batch, grid, share, warp / 2);
  Way const way = warp % 2 == 0 ? Way::forward : Way::backward;
  auto row = plane_row<slots>(grid, 0);
  auto before = plane_row<slots>(grid, 1);
  OfferFlags const flags = offer_flags(offers, grid.planes, warp / 2);
  note_greatest(&greatest->row_ns,
                sweep_half(here, arc[here.number >> share.source_bits], way, row, before, flags));
}

/// Planes that still have something to offer, or may have; a warp's own.
class OpenOffers {
 public:
  __device__ explicit OpenOffers(OfferFlags const& flags) : flags_(flags) {
    std::uint32_t const count = 2 * flags.planes;
    for (std::uint32_t first = 0; first < count; first += lanes) {
      std::uint32_t const i = first + threadIdx.x;
      left_ += __popc(__ballot_sync(whole_warp, i < count && flags.flag[i] != 0));
    }
  }

  __device__ bool any() const { return left_ > 0; }
  __device__ void mark(std::uint32_t plane, Way way) { left_ += 1 - exchange(plane, way, 1); }
  __device__ bool take(std::uint32_t plane, Way way) {
    std::uint32_t const was = exchange(plane, way, 0);
    left_ -= was;
    return was != 0;
  }

 private:
  __device__ std::uint32_t exchange(std::uint32_t plane, Way way, std::uint32_t value) {
    std::uint32_t& flag = flags_.of(plane, way);
    std::uint32_t const was = flag;
    __syncwarp();
    if (threadIdx.x == 0) flag = value;
    __syncwarp();
    return was;
  }

  OfferFlags flags_;
  std::uint32_t left_ = 0;
};

/// Marks the links where the two halves of each source met: no half has looked at these.
__device__ void mark_meetings(GridView const& grid, PlaneArc const& arc, OpenOffers& open) {
  if (!grid.is_circle()) return;
  std::uint32_t const length = (arc.last + grid.planes - arc.first) % grid.planes;
  std::uint32_t plane = (arc.first + half_way(grid, Way::forward)) % grid.planes;
  for (std::uint32_t i = 0; i <= length; ++i, plane = grid.next(plane, Way::forward)) {
    open.mark(plane, Way::forward);
    open.mark(grid.next(plane, Way::forward), Way::backward);
  }
}

/// Offers the latencies of a plane to the next one that way. Returns whether any source of the warp gained.
template <class Row>
__device__ bool push(SourceInShell const& here, std::uint32_t from, Way way, Row& row,
                     Nanoseconds& greatest) {
  std::uint32_t const to = here.grid.next(from, way);
  load(row, here.row(to));
  bool const gained = offer(here.row(from), here.grid.first_slot(from, way), row, here.links(to), way);
  if (!__any_sync(whole_warp, gained)) return false;
  close_ring(row, here.links(to));
  greatest = max(greatest, greatest_finite(row));
  store(row, here.row(to));
  return true;
}

/// Lets the planes offer what they have until no plane gains. One warp per task.
template <std::uint32_t slots>
__global__ void __launch_bounds__(lanes* warps_per_block)
    settle(PathBatch batch, GridView grid, WarpShare share, PlaneArc const* arc, std::uint32_t* offers,
           Greatest* greatest) {
  std::uint32_t const task = blockIdx.x * blockDim.y + threadIdx.y;
  if (task >= share.tasks(batch)) return;
  SourceInShell const here = source_in_shell(batch, grid, share, task);
  PlaneArc const& task_arc = arc[here.number >> share.source_bits];
  OpenOffers open(offer_flags(offers, grid.planes, task));
  mark_meetings(grid, task_arc, open);
  auto row = plane_row<slots>(grid);
  Nanoseconds greatest_ns = 0;
  std::uint32_t const meeting = (task_arc.last + half_way(grid, Way::forward)) % grid.planes;
  for (Way way = Way::forward; open.any(); way = opposite(way)) {
    std::uint32_t plane = meeting;
    for (std::uint32_t step = 0; step < grid.planes; ++step, plane = grid.next(plane, way)) {
      if (!open.take(plane, way) || !push(here, plane, way, row, greatest_ns)) continue;
      std::uint32_t const gainer = grid.next(plane, way);
      if (grid.has_next(gainer, Way::forward)) open.mark(gainer, Way::forward);
      if (grid.has_next(gainer, Way::backward)) open.mark(gainer, Way::backward);
    }
  }
  note_greatest(&greatest->row_ns, greatest_ns);
}

PlaneArc shortest_arc(RingGrid const& grid, std::span<std::uint32_t const> source) {
  std::vector<std::uint32_t> starts;
  for (std::uint32_t const node : source) {
    if (node - grid.first >= grid.planes * grid.satellites_per_plane) continue;
    starts.push_back((node - grid.first) / grid.satellites_per_plane);
  }
  if (starts.empty()) return {0, 0};
  PlaneArc arc{starts.front(), starts.back()};
  if (grid.slot_offset.size() < grid.planes) return arc;
  std::uint32_t longest = grid.planes - (arc.last - arc.first);
  for (std::size_t i = 1; i < starts.size(); ++i) {
    if (starts[i] - starts[i - 1] <= longest) continue;
    longest = starts[i] - starts[i - 1];
    arc = {starts[i], starts[i - 1]};
  }
  return arc;
}

std::vector<PlaneArc> arcs(RingGrid const& grid, std::span<std::uint32_t const> source, WarpShare share) {
  std::vector<PlaneArc> found;
  for (std::size_t first = 0; first < source.size(); first += share.sources()) {
    found.push_back(shortest_arc(grid, source.subspan(first, share.sources())));
  }
  return found;
}

/// Planes that lanes pass, or wait at for others of their warp.
std::size_t planes_passed(RingGrid const& grid, std::span<std::uint32_t const> source, WarpShare share) {
  std::size_t passed = 0;
  for (PlaneArc const& arc : arcs(grid, source, share)) {
    passed += (grid.planes / 2 + (arc.last + grid.planes - arc.first) % grid.planes) * share.sources();
  }
  return passed;
}

/// Snapshots share a warp only where that saves much waiting: what links are lost differs between them, and a
/// plane that has to settle in one snapshot keeps the others waiting.
WarpShare best_share(RingGrid const& grid, std::span<std::uint32_t const> source) {
  std::size_t const alone = planes_passed(grid, source, one_snapshot);
  return 4 * alone > 5 * planes_passed(grid, source, four_snapshots) ? four_snapshots : one_snapshot;
}

/// Two rows in shared memory.
std::uint32_t shared_bytes_per_warp(std::uint32_t slots) {
  return 2 * slots * lanes * sizeof(Nanoseconds);
}

unsigned blocks(std::size_t warps, std::uint32_t per_block) {
  return static_cast<unsigned>((warps + per_block - 1) / per_block);
}

/// Links of the shell, and latencies from all sources to it, in all snapshots.
std::uint64_t sweep_bytes(PathBatch const& batch, GridView const& grid) {
  std::uint64_t const satellites = std::uint64_t{grid.planes} * grid.slots * batch.snapshots;
  return satellites * (sizeof(GridLinks) + batch.source.size() * sizeof(Nanoseconds));
}

/// Launches both kernels, with rows for so many slots.
template <std::uint32_t slots>
void launch_kernels(PathBatch const& batch, GridView const& grid, WarpShare share, PlaneArc const* arc,
                    std::uint32_t* offers, Greatest* greatest, cudaStream_t stream) {
  bool const in_shared = slots == any_size;
  std::uint32_t const bytes = in_shared ? shared_bytes_per_warp(grid.slots) : 0;
  std::uint32_t const warps = in_shared ? std::min(warps_per_block, shared_bytes / bytes) : warps_per_block;
  dim3 const block(lanes, warps);
  {
    LaunchTimer const timer("ring_sweep", stream, sweep_bytes(batch, grid));
    ring_sweep<slots><<<blocks(2 * share.tasks(batch), warps), block, warps * bytes, stream>>>(
        batch, grid, share, arc, offers, greatest);
    check_launch();
  }
  LaunchTimer const timer("settle", stream);
  settle<slots><<<blocks(share.tasks(batch), warps), block, warps * bytes, stream>>>(batch, grid, share, arc,
                                                                                     offers, greatest);
  check_launch();
}

/// Launches the kernels that are made for the shell's number of slots, or else those for any.
template <std::uint32_t size, std::uint32_t... sizes>
void launch_for(PathBatch const& batch, GridView const& grid, WarpShare share, PlaneArc const* arc,
                std::uint32_t* offers, Greatest* greatest, cudaStream_t stream) {
  if (size == any_size || size == grid.slots) {
    launch_kernels<size>(batch, grid, share, arc, offers, greatest, stream);
  } else if constexpr (sizeof...(sizes) > 0) {
    launch_for<sizes...>(batch, grid, share, arc, offers, greatest, stream);
  }
}

}  // namespace

RingSweep::RingSweep(RingGrid const& grid, std::span<std::uint32_t const> source, DeviceStream const& stream)
    : first_(grid.first),
      planes_(grid.planes),
      slots_(grid.satellites_per_plane),
      slot_offset_(grid.slot_offset, stream),
      share_(best_share(grid, source)),
      arc_(arcs(grid, source, share_), stream) {}

bool RingSweep::fits(RingGrid const& grid) {
  return shared_bytes_per_warp(grid.satellites_per_plane) <= shared_bytes;
}

std::size_t RingSweep::snapshot_bytes() const {
  return arc_.size() * task_flags() * sizeof(std::uint32_t);
}

void RingSweep::launch(PathBatch const& batch, Greatest* greatest, DeviceStream const& stream) const {
  DeviceBuffer<std::uint32_t> offers(share_.tasks(batch) * task_flags(), stream);  // [task][way][plane]
  offers.clear();
  launch_for<11, 18, 20, 22, 32, any_size>(batch, view(), share_, arc_.data(), offers.data(), greatest,
                                           stream);
}

}  // namespace spacemoe
