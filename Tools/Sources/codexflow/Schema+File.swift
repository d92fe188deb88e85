import CodexCore
import Foundation

extension Schema {
    /// Reads a schema from a JSON file, as `stats --schema` prints it.
    ///
    /// - Throws: ``CodexError/Code/invalidSchema`` if it is none; what reading the file throws.
    init(file path: String) throws {
        do {
            self = try JSONDecoder().decode(
                Schema.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch let error as DecodingError {
            throw CodexError(.invalidSchema, "\(path) is not a schema in JSON.", cause: error)
        }
    }
}
