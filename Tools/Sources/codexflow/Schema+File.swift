import CodexCore
import Foundation

extension Schema {
    /// Reads a schema from a JSON file, in the format of `stats --schema`.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema`` if the file is not a schema; the errors of
    ///   reading the file.
    init(file path: String) throws {
        // The file may be a pipe.
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }
        let data = try file.readToEnd() ?? Data()
        do {
            self = try JSONDecoder().decode(Schema.self, from: data)
        } catch let error as DecodingError {
            throw CodexError(.invalidSchema, "\(path) is not a schema in JSON.", cause: error)
        }
    }
}
