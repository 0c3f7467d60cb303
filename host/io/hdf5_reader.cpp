#include "host/io/hdf5_reader.hpp"

#include <cerrno>
#include <string_view>
#include <system_error>

#include <unistd.h>

namespace spacemoe::hdf5 {
namespace {

void require(Source const& source, H5T_class_t wanted, char const* what) {
  if (H5Tget_class(source.type) != wanted) throw Error(std::string("holds something other than ") + what);
}

std::vector<std::string> variable_texts(Source const& source) {
  std::vector<char*> pointers(count(source));
  Datatype const type(H5Tcopy(source.type));
  source.read(type, pointers.data());
  std::vector<std::string> texts;
  for (char const* pointer : pointers) texts.emplace_back(pointer == nullptr ? "" : pointer);
  check(H5Dvlen_reclaim(type, source.space, H5P_DEFAULT, pointers.data()));
  return texts;
}

std::vector<std::string> fixed_texts(Source const& source) {
  std::size_t const length = H5Tget_size(source.type);
  std::string buffer(length * count(source), '\0');
  source.read(source.type, buffer.data());
  std::vector<std::string> texts;
  for (std::size_t first = 0; first < buffer.size(); first += length) {
    std::string_view const padded = std::string_view(buffer).substr(first, length);
    texts.emplace_back(padded.substr(0, padded.find('\0')));
  }
  return texts;
}

}  // namespace

File open(std::filesystem::path const& file) {
  silence();
  if (::access(file.c_str(), R_OK) != 0) throw Error(std::generic_category().message(errno));
  if (H5Fis_hdf5(file.c_str()) <= 0) throw Error("it is not an HDF5 file");
  PropertyList access(H5Pcreate(H5P_FILE_ACCESS));
  check(H5Pset_file_locking(access, false, true));  // results never change, and some file systems lack locks
  return File(H5Fopen(file.c_str(), H5F_ACC_RDONLY, access));
}

Source source(Dataset const& dataset) {
  hid_t const id = dataset;
  return {Datatype(H5Dget_type(id)), Dataspace(H5Dget_space(id)), [id](hid_t type, void* values) {
            check(H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
          }};
}

Source source(Attribute const& attribute) {
  hid_t const id = attribute;
  return {Datatype(H5Aget_type(id)), Dataspace(H5Aget_space(id)),
          [id](hid_t type, void* values) { check(H5Aread(id, type, values)); }};
}

std::vector<hsize_t> shape(Source const& source) {
  std::vector<hsize_t> lengths(static_cast<std::size_t>(check(H5Sget_simple_extent_ndims(source.space))));
  check(H5Sget_simple_extent_dims(source.space, lengths.data(), nullptr));
  return lengths;
}

std::size_t count(Source const& source) {
  return static_cast<std::size_t>(check(H5Sget_simple_extent_npoints(source.space)));
}

std::vector<std::string> texts(Source const& source) {
  require(source, H5T_STRING, "text");
  return check(H5Tis_variable_str(source.type)) > 0 ? variable_texts(source) : fixed_texts(source);
}

std::vector<std::uint32_t> integers(Source const& source) {
  require(source, H5T_INTEGER, "integers");
  std::vector<std::uint32_t> values(count(source));
  source.read(number_type<std::uint32_t>(), values.data());
  return values;
}

}  // namespace spacemoe::hdf5
