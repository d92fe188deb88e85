#if Server
    import CodexCore
    import CodexDynamoDBFaults
    import Foundation

    extension FaultPlan {
        /// The most bytes of a file.
        private static let byteCountMax = 1 << 20

        /// Reads a plan of faults from a JSON file.
        ///
        /// - Throws: ``CodexError/Code/notFound`` if there is no such file,
        ///   ``CodexError/Code/invalidArgument`` with the path of a wrong value; the errors of
        ///   reading the file.
        init(file path: String) throws {
            guard let file = FileHandle(forReadingAtPath: path) else {
                throw CodexError(
                    .notFound, "There is no file of faults at \(path), or it cannot be read.")
            }
            defer { try? file.close() }
            let data = try file.read(upToCount: Self.byteCountMax + 1) ?? Data()
            guard data.count <= Self.byteCountMax else {
                throw CodexError(
                    .invalidArgument, "\(path) has more than \(Self.byteCountMax) bytes.")
            }
            do throws(CodexError) {
                self = try FaultPlan(json: Array(data))
            } catch {
                throw CodexError(error.code, "\(path): \(error.message)", cause: error.cause)
            }
        }
    }
#endif
