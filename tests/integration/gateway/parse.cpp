// SPDX-FileCopyrightText: hearth.llm contributors
// SPDX-License-Identifier: GPL-3.0-or-later
// Reads bodies as llama-server does (json::parse in tools/server) and writes what it has understood; nothing for what it refuses. Lengths come first.
#include <cstdint>
#include <iostream>
#include <nlohmann/json.hpp>

int main() {
    uint32_t length;
    while (std::cin.read(reinterpret_cast<char *>(&length), 4)) {
        std::string body(length, '\0'), out;
        std::cin.read(&body[0], length);
        try {
            out = nlohmann::ordered_json::parse(body).dump();
        } catch (const std::exception &) {
        }
        length = out.size();
        std::cout.write(reinterpret_cast<const char *>(&length), 4).write(out.data(), length);
    }
}
