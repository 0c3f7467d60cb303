#include "host/io/hdf5_writer.hpp"

#include <stdexcept>
#include <utility>

#include <hdf5_hl.h>

namespace spacemoe::hdf5 {
namespace {

constexpr std::size_t growth_bytes = std::size_t{1} << 20;
constexpr std::uint64_t small_bytes = 4096;  ///< arrays up to this are not worth compressing
constexpr unsigned deflate_level = 4;        ///< higher ones take longer and save little

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

void write_slab(Dataset const& dataset, Slabs& slabs, hid_t type, void const* values) {
  if (slabs.at_end()) throw std::logic_error("more values than the axes hold");
  check(H5Dwrite(dataset, type, slabs.in_memory(), slabs.in_file(), H5P_DEFAULT, values));
  slabs.advance();
}

void write_slab(Dataset const& dataset, Slabs& slabs, std::vector<std::string> const& values) {
  write_slab(dataset, slabs, string_type(), pointers(values).data());
}

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

std::span<std::byte const> Writer::image() const {
  check(H5Fflush(file_, H5F_SCOPE_LOCAL));
  auto const bytes = static_cast<std::size_t>(check(H5Fget_file_image(file_, nullptr, 0)));
  void* memory = nullptr;
  check(H5Fget_vfd_handle(file_, H5P_DEFAULT, &memory));
  return {*static_cast<std::byte const* const*>(memory), bytes};
}

Shape Writer::shape(std::vector<std::string> const& axes) const {
  Shape lengths;
  for (auto const& axis : axes) lengths.push_back(lengths_.at(axis));
  return lengths;
}

Dataset Writer::create(Label const& label, Shape const& lengths, hid_t type) {
  PropertyList creation(H5Pcreate(H5P_DATASET_CREATE));
  check(H5Pset_obj_track_times(creation, false));  // else two equal files differ
  PropertyList access(H5Pcreate(H5P_DATASET_ACCESS));
  std::size_t const number_bytes = H5Tget_size(type);
  bool const text = H5Tget_class(type) == H5T_STRING;
  if (!text && number_bytes * product(lengths) > small_bytes) {
    Shape const chunk = slab_shape(lengths, number_bytes);
    check(H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data()));
    check(H5Pset_shuffle(creation));
    check(H5Pset_deflate(creation, deflate_level));
    check(H5Pset_chunk_cache(access, 0, 0, H5D_CHUNK_CACHE_W0_DEFAULT));  // each is written once, as a whole
  }
  Dataset dataset(
      H5Dcreate2(file_, label.name.c_str(), type, array_of(lengths), H5P_DEFAULT, creation, access));
  write_attribute(dataset, "units", label.units);
  write_attribute(dataset, "long_name", label.long_name);
  return dataset;
}

Dataset Writer::write(Label const& label, std::vector<std::string> const& axes, hid_t type,
                      void const* values, std::size_t count) {
  Shape const lengths = shape(axes);
  require_count(label.name, count, product(lengths));
  Dataset dataset = create(label, lengths, type);
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
