#include "host/network/shell_pairs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace spacemoe {
namespace {

constexpr std::uint32_t nobody = 0xffffffff;

struct Place {
  Vector3 position_km;
  std::uint32_t shell;
  std::uint32_t satellite;
};

/// Who is how near; of equals the lower id comes first.
using Candidate = std::pair<double, std::uint32_t>;  // squared distance [km^2], satellite

double squared_distance_km2(Vector3 const& a, Vector3 const& b) {
  double const x = a.x - b.x;
  double const y = a.y - b.y;
  double const z = a.z - b.z;
  return x * x + y * y + z * z;
}

/// All satellites, cell by cell of a cube around the Earth. There are a few times as many cells as
/// satellites; most are empty, and those that a shell passes through hold a few each.
class Cells {
 public:
  explicit Cells(std::vector<Place> const& places) {
    for (Place const& place : places) {
      Vector3 const& at = place.position_km;
      half_km_ = std::max({half_km_, std::abs(at.x), std::abs(at.y), std::abs(at.z)});
    }
    per_side_ = static_cast<int>(std::clamp(std::cbrt(4.0 * static_cast<double>(places.size())), 1.0, 256.0));
    width_km_ = 2 * half_km_ / per_side_;
    sort(places);
  }

  /// The nearest satellite of another shell within a range, or nobody.
  std::uint32_t nearest(Place const& from, double range_km) const {
    auto const centre = cell(from.position_km);
    Candidate best{range_km * range_km, nobody};
    for (int away = 0; away < per_side_; ++away) {
      // Satellites in cells that have not been looked at are at least so far away, but for rounding.
      double const outside_km = (away - 1) * width_km_ * (1 - 1e-9);
      if (outside_km > 0 && outside_km * outside_km > best.first) break;
      look_around(from, centre, away, best);
    }
    return best.second;
  }

 private:
  using Cell = std::array<int, 3>;

  int coordinate(double km) const {
    return std::clamp(static_cast<int>((km + half_km_) / width_km_), 0, per_side_ - 1);
  }
  Cell cell(Vector3 const& at) const { return {coordinate(at.x), coordinate(at.y), coordinate(at.z)}; }
  std::size_t number(Cell const& cell) const {
    return static_cast<std::size_t>((cell[0] * per_side_ + cell[1]) * per_side_ + cell[2]);
  }

  void sort(std::vector<Place> const& places) {
    auto const cells = static_cast<std::size_t>(per_side_ * per_side_ * per_side_);
    first_.assign(cells + 1, 0);
    for (Place const& place : places) ++first_[number(cell(place.position_km))];
    std::uint32_t end = 0;
    for (std::uint32_t& first : first_) first = end += first;
    sorted_.resize(places.size());
    for (Place const& place : places) sorted_[--first_[number(cell(place.position_km))]] = place;
  }

  /// Looks at all cells that are `away` steps away, diagonal ones included.
  void look_around(Place const& from, Cell const& centre, int away, Candidate& best) const {
    for (int x = -away; x <= away; ++x) {
      for (int y = -away; y <= away; ++y) {
        bool const side = std::max(std::abs(x), std::abs(y)) == away;
        for (int z = -away; z <= away; z += side || away == 0 ? 1 : 2 * away) {
          look_at(from, {centre[0] + x, centre[1] + y, centre[2] + z}, best);
        }
      }
    }
  }

  void look_at(Place const& from, Cell const& cell, Candidate& best) const {
    auto const outside = [this](int i) { return i < 0 || i >= per_side_; };
    if (std::ranges::any_of(cell, outside)) return;
    std::size_t const at = number(cell);
    for (std::uint32_t i = first_[at]; i < first_[at + 1]; ++i) {
      Place const& other = sorted_[i];
      if (other.shell == from.shell) continue;
      best = std::min(best, {squared_distance_km2(from.position_km, other.position_km), other.satellite});
    }
  }

  double half_km_ = 1;
  int per_side_ = 1;
  double width_km_ = 0;
  std::vector<std::uint32_t> first_;  ///< [cell]: its satellites are sorted_[first_[cell], first_[cell + 1])
  std::vector<Place> sorted_;
};

std::vector<Place> places_of(Constellation const& constellation, std::span<State const> states) {
  std::vector<Place> places;
  places.reserve(states.size());
  for (std::uint32_t shell = 0; shell < constellation.shells.size(); ++shell) {
    for (std::size_t i = satellite_count(constellation.shells[shell]); i > 0; --i) {
      auto const id = static_cast<std::uint32_t>(places.size());
      places.push_back({states[id].position_km, shell, id});
    }
  }
  return places;
}

}  // namespace

std::vector<std::pair<SatelliteId, SatelliteId>> shell_pairs(Constellation const& constellation,
                                                             std::span<State const> states, double range_km) {
  std::vector<Place> const places = places_of(constellation, states);
  Cells const cells(places);
  std::vector<std::uint32_t> nearest;
  nearest.reserve(places.size());
  for (Place const& place : places) nearest.push_back(cells.nearest(place, range_km));
  std::vector<std::pair<SatelliteId, SatelliteId>> pairs;
  for (std::uint32_t a = 0; a < nearest.size(); ++a) {
    std::uint32_t const b = nearest[a];
    if (b != nobody && a < b && nearest[b] == a) pairs.emplace_back(satellite(a), satellite(b));
  }
  return pairs;
}

}  // namespace spacemoe
