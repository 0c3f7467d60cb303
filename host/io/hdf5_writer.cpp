#include "host/io/hdf5_writer.hpp"

#include <hdf5_hl.h>

namespace spacemoe::hdf5 {
namespace {

constexpr std::size_t growth_bytes = std::size_t{1} << 20;

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

Dataset Writer::write(Label const& label, std::vector<std::string> const& axes, hid_t type,
                      void const* values, std::size_t count) {
  std::vector<hsize_t> shape;
  hsize_t expected = 1;
  for (auto const& axis : axes) {
    shape.push_back(lengths_.at(axis));
    expected *= shape.back();
  }
  if (expected != count) {
    throw std::logic_error(label.name + ": " + std::to_string(count) + " values for axes that hold " +
                           std::to_string(expected));
  }
  Dataspace space(axes.empty() ? H5Screate(H5S_SCALAR)
                               : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
  PropertyList creation(H5Pcreate(H5P_DATASET_CREATE));
  check(H5Pset_obj_track_times(creation, false));  // else two equal files differ
  Dataset dataset(H5Dcreate2(file_, label.name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
  write_attribute(dataset, "units", label.units);
  write_attribute(dataset, "long_name", label.long_name);
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
