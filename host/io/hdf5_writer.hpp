#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "host/io/hdf5.hpp"

namespace spacemoe::hdf5 {

/// What a dataset is called and means.
struct Label {
  std::string name;
  std::string units;  ///< as UDUNITS writes them; "1" for numbers without unit and for text
  std::string long_name;
};

/// An HDF5 file that grows in memory, so that no disk can fail half-way through it. Flat, and every axis has
/// a dimension scale, so that xarray and MATLAB need no help with it. All functions throw Error.
class Writer {
 public:
  Writer();

  /// Attributes of the file.
  void attribute(std::string const& name, std::string const& value);
  void attribute(std::string const& name, std::uint64_t value);
  void attribute(std::string const& name, double value);

  /// The coordinates of an axis, which gets the name of the label and the length of `values`.
  template <class T>
  void axis(Label const& label, std::vector<T> const& values) {
    lengths_[label.name] = values.size();
    make_scale(write(label, {label.name}, number_type<T>(), values.data(), values.size()), label.name);
  }
  void axis(Label const& label, std::vector<std::string> const& values);

  /// An array over axes that are there already, the last one running fastest. Throws std::logic_error when
  /// the number of values does not fit the axes.
  template <class T>
  void dataset(Label const& label, std::vector<std::string> const& axes, std::vector<T> const& values) {
    attach_scales(write(label, axes, number_type<T>(), values.data(), values.size()), axes);
  }
  void dataset(Label const& label, std::vector<std::string> const& axes,
               std::vector<std::string> const& values);
  /// The same piece by piece: `block(i)` gives all values over the last `inner` axes at the i-th place of the
  /// axes before them, so that no more than one block is held at a time.
  template <class Block>
  void dataset_by_blocks(Label const& label, std::vector<std::string> const& axes, std::size_t inner,
                         Block block) {
    using Number = typename decltype(block(0))::value_type;
    Dataset const dataset = create(label, axes, number_type<Number>(), blocks(axes, inner));
    for (std::uint64_t i = 0; i < block_count(axes, inner); ++i) {
      std::vector<Number> const values = block(i);
      write_block(dataset, axes, inner, i, number_type<Number>(), values.data(), values.size());
    }
    attach_scales(dataset, axes);
  }
  /// A single text.
  void dataset(Label const& label, std::string const& text);

  /// The finished file.
  std::vector<std::byte> image() const;

 private:
  using Shape = std::vector<hsize_t>;

  Shape shape(std::vector<std::string> const& axes) const;
  /// Chunks for arrays that are written in one piece; none for small ones.
  static Shape pieces(Shape shape, std::size_t number_bytes);
  /// One chunk for each block over the last axes.
  Shape blocks(std::vector<std::string> const& axes, std::size_t inner) const;
  std::uint64_t block_count(std::vector<std::string> const& axes, std::size_t inner) const;
  /// Compressed where there are chunks.
  Dataset create(Label const& label, std::vector<std::string> const& axes, hid_t type, Shape const& chunk);
  void write_block(Dataset const& dataset, std::vector<std::string> const& axes, std::size_t inner,
                   std::uint64_t number, hid_t type, void const* values, std::size_t count);
  Dataset write(Label const& label, std::vector<std::string> const& axes, hid_t type, void const* values,
                std::size_t count);
  void make_scale(Dataset const& dataset, std::string const& name);
  void attach_scales(Dataset const& dataset, std::vector<std::string> const& axes);

  File file_;
  std::map<std::string, hsize_t> lengths_;  ///< by axis
};

}  // namespace spacemoe::hdf5
