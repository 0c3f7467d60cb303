#include "host/io/sha256.hpp"

#include <stdexcept>

#include <openssl/evp.h>

namespace spacemoe {

Sha256::Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL has no SHA-256");
  }
}

void Sha256::add(std::uint64_t number) {
  std::array<char, 8> bytes{};
  for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i));
  add_plain({bytes.data(), bytes.size()});
}

void Sha256::add(std::string_view bytes) {
  add(bytes.size());
  add_plain(bytes);
}

void Sha256::add_plain(std::string_view bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

Sha256Bytes Sha256::bytes() {
  Sha256Bytes hash{};
  EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(hash.data()), nullptr);
  return hash;
}

Sha256Bytes sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add_plain(bytes);
  return hash.bytes();
}

std::string hexadecimal(Sha256Bytes const& bytes) {
  std::string text;
  for (std::byte const byte : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

}  // namespace spacemoe
