#include "host/io/hdf5_writer.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>

#include <hdf5_hl.h>

namespace spacemoe::hdf5 {
namespace {

constexpr std::size_t growth_bytes = std::size_t{1} << 20;
constexpr std::uint64_t small_bytes = 4096;  ///< arrays up to this are not worth compressing
constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20;
constexpr unsigned deflate_level = 4;  ///< higher ones take longer and save little

File memory_file() {
  silence();
  PropertyList access(H5Pcreate(H5P_FILE_ACCESS));
  check(H5Pset_fapl_core(access, growth_bytes, false));
  return File(H5Fcreate("spacemoe", H5F_ACC_TRUNC, H5P_DEFAULT, access));
}

void write_attribute(hid_t object, std::string const& name, hid_t type, void const* value) {
  Dataspace space(H5Screate(H5S_SCALAR));
  Attribute attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT));
  check(H5Awrite(attribute, type, value));
}

void write_attribute(hid_t object, std::string const& name, std::string const& value) {
  char const* const text = value.c_str();
  write_attribute(object, name, string_type(), &text);
}

std::uint64_t product(std::vector<hsize_t> const& lengths) {
  return std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{1}, std::multiplies<>());
}

void require_count(std::string const& name, std::uint64_t count, std::uint64_t expected) {
  if (count == expected) return;
  throw std::logic_error(name + ": " + std::to_string(count) + " values for axes that hold " +
                         std::to_string(expected));
}

std::vector<char const*> pointers(std::vector<std::string> const& texts) {
  std::vector<char const*> starts;
  for (auto const& text : texts) starts.push_back(text.c_str());
  return starts;
}

}  // namespace

Writer::Writer() : file_(memory_file()) {}

void Writer::attribute(std::string const& name, std::string const& value) {
  write_attribute(file_, name, value);
}

void Writer::attribute(std::string const& name, std::uint64_t value) {
  write_attribute(file_, name, number_type<std::uint64_t>(), &value);
}

void Writer::attribute(std::string const& name, double value) {
  write_attribute(file_, name, number_type<double>(), &value);
}

void Writer::axis(Label const& label, std::vector<std::string> const& values) {
  lengths_[label.name] = values.size();
  auto const texts = pointers(values);
  make_scale(write(label, {label.name}, string_type(), texts.data(), texts.size()), label.name);
}

void Writer::dataset(Label const& label, std::vector<std::string> const& axes,
                     std::vector<std::string> const& values) {
  auto const texts = pointers(values);
  attach_scales(write(label, axes, string_type(), texts.data(), texts.size()), axes);
}

void Writer::dataset(Label const& label, std::string const& text) {
  char const* const value = text.c_str();
  write(label, {}, string_type(), &value, 1);
}

std::vector<std::byte> Writer::image() const {
  check(H5Fflush(file_, H5F_SCOPE_LOCAL));
  std::vector<std::byte> bytes(static_cast<std::size_t>(check(H5Fget_file_image(file_, nullptr, 0))));
  check(H5Fget_file_image(file_, bytes.data(), bytes.size()));
  return bytes;
}

Writer::Shape Writer::shape(std::vector<std::string> const& axes) const {
  Shape lengths;
  for (auto const& axis : axes) lengths.push_back(lengths_.at(axis));
  return lengths;
}

Writer::Shape Writer::pieces(Shape shape, std::size_t number_bytes) {
  std::uint64_t bytes = number_bytes * product(shape);
  if (bytes <= small_bytes) return {};
  for (hsize_t& length : shape) {
    if (bytes <= piece_bytes) break;
    hsize_t const kept = std::max<hsize_t>(1, length * piece_bytes / bytes);
    bytes = bytes / length * kept;
    length = kept;
  }
  return shape;
}

Writer::Shape Writer::blocks(std::vector<std::string> const& axes, std::size_t inner) const {
  Shape chunk = shape(axes);
  std::fill(chunk.begin(), chunk.end() - static_cast<std::ptrdiff_t>(inner), 1);
  return chunk;
}

std::uint64_t Writer::block_count(std::vector<std::string> const& axes, std::size_t inner) const {
  return product(shape({axes.begin(), axes.end() - static_cast<std::ptrdiff_t>(inner)}));
}

Dataset Writer::create(Label const& label, std::vector<std::string> const& axes, hid_t type,
                       Shape const& chunk) {
  Shape const lengths = shape(axes);
  Dataspace space(axes.empty() ? H5Screate(H5S_SCALAR)
                               : H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr));
  PropertyList creation(H5Pcreate(H5P_DATASET_CREATE));
  check(H5Pset_obj_track_times(creation, false));  // else two equal files differ
  if (!chunk.empty()) {
    check(H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data()));
    check(H5Pset_shuffle(creation));
    check(H5Pset_deflate(creation, deflate_level));
  }
  Dataset dataset(H5Dcreate2(file_, label.name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  write_attribute(dataset, "units", label.units);
  write_attribute(dataset, "long_name", label.long_name);
  return dataset;
}

void Writer::write_block(Dataset const& dataset, std::vector<std::string> const& axes, std::size_t inner,
                         std::uint64_t number, hid_t type, void const* values, std::size_t count) {
  Shape const block = blocks(axes, inner);
  require_count("a block", count, product(block));
  Shape start(block.size(), 0);
  Shape const lengths = shape(axes);
  for (std::size_t axis = block.size() - inner; axis-- > 0;) {
    start[axis] = number % lengths[axis];
    number /= lengths[axis];
  }
  Dataspace const target(H5Dget_space(dataset));
  check(H5Sselect_hyperslab(target, H5S_SELECT_SET, start.data(), nullptr, block.data(), nullptr));
  Dataspace const source(H5Screate_simple(static_cast<int>(block.size()), block.data(), nullptr));
  check(H5Dwrite(dataset, type, source, target, H5P_DEFAULT, values));
}

Dataset Writer::write(Label const& label, std::vector<std::string> const& axes, hid_t type,
                      void const* values, std::size_t count) {
  Shape const lengths = shape(axes);
  require_count(label.name, count, product(lengths));
  bool const text = H5Tget_class(type) == H5T_STRING;
  Dataset dataset = create(label, axes, type, text ? Shape{} : pieces(lengths, H5Tget_size(type)));
  check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
  return dataset;
}

void Writer::make_scale(Dataset const& dataset, std::string const& name) {
  check(H5DSset_scale(dataset, name.c_str()));
}

void Writer::attach_scales(Dataset const& dataset, std::vector<std::string> const& axes) {
  for (unsigned i = 0; i < axes.size(); ++i) {
    Dataset scale(H5Dopen2(file_, axes[i].c_str(), H5P_DEFAULT));
    check(H5DSattach_scale(dataset, scale, i));
  }
}

}  // namespace spacemoe::hdf5
