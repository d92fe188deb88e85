// What may be shown of text that others wrote: stored values, names, paths, git's subjects.
//
// All output of the program goes through `Console`, which uses this. It is the same on a terminal,
// in a pipe and in a file, since the output of a program is often looked at later.

extension String {
    /// The text for a terminal: characters that the terminal obeys, or that reverse the direction
    /// of text, are replaced.
    ///
    /// - Parameter keepsLines: Whether line feeds stay.
    /// - Returns: The text with U+FFFD in the place of these characters.
    func printable(keepsLines: Bool = false) -> String {
        let scalars = unicodeScalars.map { scalar -> Unicode.Scalar in
            if keepsLines, scalar == "\n" { return scalar }
            return scalar.isObeyed ? "\u{FFFD}" : scalar
        }
        return String(String.UnicodeScalarView(scalars))
    }

    /// The JSON text with escapes for the characters that ``printable(keepsLines:)`` replaces.
    ///
    /// Its value is the same. Writers of JSON escape the characters below U+0020 in strings. The
    /// others occur in strings alone.
    var printableJSON: String {
        guard utf8.contains(where: { Self.beginsObeyed($0) }) else { return self }
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar.value > 0x20, scalar.isObeyed {
                let digits = String(scalar.value, radix: 16)
                let zeros = String(repeating: "0", count: max(0, 4 - digits.utf8.count))
                text.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
            } else {
                text.append(scalar)
            }
        }
        return String(text)
    }

    /// Whether a byte may begin the encoding of a character above U+0020 that a terminal obeys.
    private static func beginsObeyed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x7F, 0xC2, 0xD8, 0xE2: true
        default: false
        }
    }
}

extension Unicode.Scalar {
    /// Whether a terminal obeys the character instead of showing it.
    ///
    /// Beside the controls of 7 and of 8 bits, these are the ends of lines and paragraphs, and the
    /// marks, embeddings, overrides and isolates of bidirectional text. Joiners, which emoji have,
    /// are not.
    fileprivate var isObeyed: Bool {
        switch value {
        case 0...0x1F, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
