internal import CodexCLMDB
internal import CodexCore

/// A version of liblmdb.
///
/// A process may load another version than the one with whose header it was compiled.
struct LMDBVersion: Equatable, CustomStringConvertible {
    let major: Int
    let minor: Int
    let patch: Int

    /// The version that this process has loaded; it is read once.
    static let loaded: LMDBVersion = {
        var (major, minor, patch): (Int32, Int32, Int32) = (0, 0, 0)
        _ = unsafe mdb_version(&major, &minor, &patch)
        return LMDBVersion(major: Int(major), minor: Int(minor), patch: Int(patch))
    }()

    /// Whether Codex can read and write the files of this version itself.
    ///
    /// Development versions have the numbers 0.9.70 and 0.9.90. The first has another lock file,
    /// and the second has the pages of 1.0.
    var isSupported: Bool { major == 0 && minor == 9 && patch < 70 }

    var description: String { "\(major).\(minor).\(patch)" }

    /// Throws unless the version is supported.
    ///
    /// - Parameter path: The path of the store that is being opened.
    /// - Throws: ``CodexError/Code/unsupportedFormat``.
    func requireSupported(opening path: String) throws(CodexError) {
        guard isSupported else {
            throw CodexError(
                .unsupportedFormat,
                "The process has loaded liblmdb \(self), and \(path) needs liblmdb 0.9, which has "
                    + "other formats. Let the loader find 0.9 (LD_LIBRARY_PATH, or an rpath). See "
                    + "Docs/Format.md, \"Versions of LMDB\".")
        }
    }
}
