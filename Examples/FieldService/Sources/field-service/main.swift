import FieldService
import Foundation

exit(await FieldServiceProgram.run(Array(CommandLine.arguments.dropFirst())))
