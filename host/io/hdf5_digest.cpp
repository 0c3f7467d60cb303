#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <hdf5_hl.h>

#include "host/errors.hpp"
#include "host/io/hdf5_reader.hpp"
#include "host/io/hdf5_slabs.hpp"
#include "host/io/result_file.hpp"
#include "host/io/sha256.hpp"

namespace spacemoe {
namespace {

bool in_payload(std::string_view name) {
  return !name.starts_with("provenance_") && !name.starts_with("timing_");
}

/// Attributes by which HDF5 ties scales to axes. They hold addresses in the file; what they say is hashed as
/// the names of the axes.
bool ties_scales(std::string_view name) {
  constexpr std::array<std::string_view, 4> names{"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"};
  return std::ranges::find(names, name) != names.end();
}

std::string_view type_name(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return H5Tget_sign(type) == H5T_SGN_NONE ? "unsigned" : "signed";
    case H5T_FLOAT:
      return "float";
    case H5T_STRING:
      return "text";
    default:
      throw hdf5::Error("it holds a type that results do not have");
  }
}

/// The values of an attribute, all at once.
void add_plain(Sha256& hash, hdf5::Attribute const& attribute, hid_t type, hdf5::Shape const& shape) {
  std::string bytes(hdf5::product(shape) * H5Tget_size(type), '\0');
  if (!bytes.empty()) hdf5::check(H5Aread(attribute, type, bytes.data()));
  hash.add_plain(bytes);
}

/// The values of a dataset, which may be larger than memory.
void add_plain(Sha256& hash, hdf5::Dataset const& dataset, hid_t type, hdf5::Shape const& shape) {
  std::string bytes;
  for (hdf5::Slabs slabs(shape, H5Tget_size(type)); !slabs.at_end(); slabs.advance()) {
    bytes.resize(slabs.count() * H5Tget_size(type));
    hdf5::check(H5Dread(dataset, type, slabs.in_memory(), slabs.in_file(), H5P_DEFAULT, bytes.data()));
    hash.add_plain(bytes);
  }
}

template <class Object>
void add_values(Sha256& hash, Object const& object) {
  hdf5::Source const source = hdf5::source(object);
  hash.add(type_name(source.type));
  hdf5::Shape const shape = hdf5::shape(source);
  hash.add(shape.size());
  for (hsize_t const length : shape) hash.add(length);
  if (H5Tget_class(source.type) == H5T_STRING) {
    for (auto const& text : hdf5::texts(source)) hash.add(text);
    return;
  }
  hdf5::Datatype type(H5Tcopy(source.type));
  hdf5::check(H5Tset_order(type, H5T_ORDER_LE));
  hash.add(H5Tget_size(type));
  hash.add(hdf5::product(shape) * H5Tget_size(type));
  add_plain(hash, object, type, shape);
}

void add_axes(Sha256& hash, hdf5::Dataset const& dataset, std::size_t rank) {
  for (unsigned axis = 0; axis < rank && H5DSis_scale(dataset) == 0; ++axis) {
    std::string name;
    auto const visit = [](hid_t, unsigned, hid_t scale, void* out) -> herr_t {
      std::array<char, 256> text{};
      H5Iget_name(scale, text.data(), text.size());
      *static_cast<std::string*>(out) += text.data();
      return 0;
    };
    hdf5::check(H5DSiterate_scales(dataset, axis, nullptr, visit, &name));
    hash.add(name);
  }
}

void add_attributes(Sha256& hash, hid_t object) {
  std::vector<std::string> names;
  auto const visit = [](hid_t, char const* name, H5A_info_t const*, void* out) -> herr_t {
    if (in_payload(name) && !ties_scales(name))
      static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  hdf5::check(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, visit, &names));
  std::ranges::sort(names);
  hash.add(names.size());
  for (auto const& name : names) {
    hdf5::Attribute attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT));
    hash.add(name);
    add_values(hash, attribute);
  }
}

std::vector<std::string> dataset_names(hdf5::File const& file) {
  std::vector<std::string> names;
  auto const visit = [](hid_t, char const* name, H5L_info_t const*, void* out) -> herr_t {
    if (in_payload(name)) static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  hdf5::check(H5Literate(file, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, visit, &names));
  std::ranges::sort(names);
  return names;
}

std::string digest(hdf5::File const& file) {
  Sha256 hash;
  add_attributes(hash, file);
  for (auto const& name : dataset_names(file)) {
    hdf5::Dataset dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
    hash.add(name);
    add_values(hash, dataset);
    add_axes(hash, dataset, hdf5::shape(hdf5::source(dataset)).size());
    add_attributes(hash, dataset);
  }
  return hexadecimal(hash.bytes());
}

}  // namespace

std::string payload_digest(std::filesystem::path const& file) {
  try {
    return digest(hdf5::open(file));
  } catch (hdf5::Error const& error) {
    throw ScenarioError(
        {file.string(), std::string("cannot be read: ") + error.what(), "name a result of spacemoe"});
  }
}

}  // namespace spacemoe
