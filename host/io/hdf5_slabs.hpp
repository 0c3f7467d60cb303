#pragma once

#include <cstddef>
#include <vector>

#include "host/io/hdf5.hpp"

namespace spacemoe::hdf5 {

using Shape = std::vector<hsize_t>;

/// Number of values.
std::size_t product(Shape const& lengths);

/// One value for an array without axes.
Dataspace array_of(Shape const& lengths);

/// The largest part of an array, up to 1 MiB, whose values follow one another: 1 on some first axes, whole on
/// all but one of the others.
Shape slab_shape(Shape lengths, std::size_t number_bytes);

/// The parts of an array that `slab_shape` cuts it into, one after the other, so that all values come in
/// order; shorter ones where an axis ends.
class Slabs {
 public:
  Slabs(Shape lengths, std::size_t number_bytes);

  bool at_end() const { return at_end_; }
  /// Number of values of the present one.
  std::size_t count() const { return product(shape()); }
  /// The present one in the file, and in memory.
  Dataspace in_file() const;
  Dataspace in_memory() const;
  void advance();

 private:
  Shape shape() const;

  Shape lengths_;
  Shape slab_;
  Shape start_;
  std::size_t cut_axis_ = 0;  ///< on which slabs follow one another
  bool at_end_ = false;
};

}  // namespace spacemoe::hdf5
