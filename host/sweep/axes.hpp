#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace spacemoe {

/// What a key is at every position of an axis: numbers or, where one of them is none, labels.
struct Coordinate {
  std::string name;   ///< as it is called in results, such as `altitude_km`
  std::string units;  ///< as UDUNITS writes them; "1" where there is none
  std::vector<double> numbers;
  std::vector<std::string> labels;

  std::size_t size() const { return labels.empty() ? numbers.size() : labels.size(); }
  /// What stands at a position, as people write it.
  std::string text(std::size_t position) const;
};

/// One axis of a sweep.
struct SweepAxis {
  Coordinate coordinate;          ///< of the axis, which bears its name
  std::vector<Coordinate> along;  ///< other keys that change with it

  std::size_t size() const { return coordinate.size(); }
};

/// Number of points on the grid of all axes; a sweep without axes has one.
std::uint64_t points(std::vector<SweepAxis> const& axes);

/// Where a point stands on every axis. Points count along the last axis first.
std::vector<std::size_t> position(std::vector<SweepAxis> const& axes, std::uint64_t point);

/// A point as people name it: "altitude_km = 550, survival = 0.9".
std::string point_text(std::vector<SweepAxis> const& axes, std::uint64_t point);

}  // namespace spacemoe
