#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "host/io/hdf5.hpp"
#include "host/io/hdf5_slabs.hpp"

namespace spacemoe::hdf5 {

/// What a dataset is called and means.
struct Label {
  std::string name;
  std::string units;  ///< as UDUNITS writes them; "1" for numbers without unit and for text
  std::string long_name;
};

/// The HDF5 type of a number, or of text.
template <class T>
Datatype stored_type() {
  return Datatype(H5Tcopy(number_type<T>()));
}
template <>
inline Datatype stored_type<std::string>() {
  return string_type();
}

/// Writes the present slab of a dataset and goes on to the next. Throws Error, and std::logic_error at the
/// end.
void write_slab(Dataset const& dataset, Slabs& slabs, hid_t type, void const* values);
template <class T>
void write_slab(Dataset const& dataset, Slabs& slabs, std::vector<T> const& values) {
  write_slab(dataset, slabs, number_type<T>(), values.data());
}
void write_slab(Dataset const& dataset, Slabs& slabs, std::vector<std::string> const& values);

/// An array that is filled from its first value to its last, the last axis running fastest, and is never held
/// as a whole.
template <class T>
class Series {
 public:
  Series(Dataset dataset, Shape lengths)
      : dataset_(std::move(dataset)), slabs_(std::move(lengths), sizeof(T)), wanted_(slabs_.count()) {}

  /// Throws Error, and std::logic_error past the last value.
  void append(T value) {
    values_.push_back(std::move(value));
    if (values_.size() < wanted_) return;
    write_slab(dataset_, slabs_, values_);
    values_.clear();
    wanted_ = slabs_.count();
  }

 private:
  Dataset dataset_;
  Slabs slabs_;
  std::size_t wanted_;     ///< values of the present slab
  std::vector<T> values_;  ///< those of them that are there
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
  /// The same for values that come one by one.
  template <class T>
  Series<T> series(Label const& label, std::vector<std::string> const& axes) {
    Dataset dataset = create(label, shape(axes), stored_type<T>());
    attach_scales(dataset, axes);
    return {std::move(dataset), shape(axes)};
  }
  /// A single text.
  void dataset(Label const& label, std::string const& text);

  /// The finished file, for as long as this object lives and nothing is added. No series may be left.
  std::span<std::byte const> image() const;

 private:
  Shape shape(std::vector<std::string> const& axes) const;
  /// In compressed chunks of a slab each, unless it is small or text.
  Dataset create(Label const& label, Shape const& lengths, hid_t type);
  Dataset write(Label const& label, std::vector<std::string> const& axes, hid_t type, void const* values,
                std::size_t count);
  void make_scale(Dataset const& dataset, std::string const& name);
  void attach_scales(Dataset const& dataset, std::vector<std::string> const& axes);

  File file_;
  std::map<std::string, hsize_t> lengths_;  ///< by axis
};

}  // namespace spacemoe::hdf5
