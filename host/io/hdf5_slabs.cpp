#include "host/io/hdf5_slabs.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>

namespace spacemoe::hdf5 {
namespace {

constexpr std::size_t slab_bytes = std::size_t{1} << 20;

}  // namespace

Dataspace array_of(Shape const& lengths) {
  return Dataspace(lengths.empty()
                       ? H5Screate(H5S_SCALAR)
                       : H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr));
}

std::size_t product(Shape const& lengths) {
  return std::accumulate(lengths.begin(), lengths.end(), std::size_t{1}, std::multiplies<>());
}

Shape slab_shape(Shape lengths, std::size_t number_bytes) {
  std::size_t bytes = number_bytes * product(lengths);
  for (hsize_t& length : lengths) {
    if (bytes <= slab_bytes) break;
    hsize_t const kept = std::max<hsize_t>(1, length * slab_bytes / bytes);
    bytes = bytes / length * kept;
    length = kept;
  }
  return lengths;
}

Slabs::Slabs(Shape lengths, std::size_t number_bytes)
    : lengths_(std::move(lengths)),
      slab_(slab_shape(lengths_, number_bytes)),
      start_(lengths_.size(), 0),
      at_end_(product(lengths_) == 0) {
  while (cut_axis_ + 1 < slab_.size() && slab_[cut_axis_] == 1) ++cut_axis_;
}

Shape Slabs::shape() const {
  Shape shape = slab_;
  if (!shape.empty()) shape[cut_axis_] = std::min(shape[cut_axis_], lengths_[cut_axis_] - start_[cut_axis_]);
  return shape;
}

Dataspace Slabs::in_file() const {
  Dataspace space = array_of(lengths_);
  if (!start_.empty()) {
    check(H5Sselect_hyperslab(space, H5S_SELECT_SET, start_.data(), nullptr, shape().data(), nullptr));
  }
  return space;
}

Dataspace Slabs::in_memory() const {
  return array_of(shape());
}

void Slabs::advance() {
  if (start_.empty()) {
    at_end_ = true;
    return;
  }
  start_[cut_axis_] += shape()[cut_axis_];
  for (std::size_t axis = cut_axis_; axis > 0 && start_[axis] == lengths_[axis]; --axis) {
    start_[axis] = 0;
    ++start_[axis - 1];
  }
  at_end_ = start_[0] == lengths_[0];
}

}  // namespace spacemoe::hdf5
