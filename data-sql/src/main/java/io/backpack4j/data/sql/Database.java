// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.data.sql;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.MemoryAmount;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;

/**
 * A database in memory, which reads files and keeps nothing. One thread of its own keeps rows in their order; what its
 * memory does not hold goes to a temporary folder, which is removed. Nothing is downloaded.
 */
final class Database implements AutoCloseable {

    private static final String URL = "jdbc:duckdb:";
    private static final String MEMORY = "backpack.sql.memory";
    private static final String DEFAULT_MEMORY = "512MiB";

    /** What the driver says if a query that streams fails before its first row, whatever the reason. */
    private static final String NO_REASON = "Invalid result set";

    private static final String STREAM = "jdbc_stream_results";

    private final Properties settings;
    private final Connection connection;
    private final Path folder;

    private Database(Properties settings, Path folder) throws SQLException {
        this.settings = settings;
        this.connection = DriverManager.getConnection(URL, settings);
        this.folder = folder;
    }

    static Database open() {
        long bytes = memory();
        Path folder;
        try {
            folder = Files.createTempDirectory("backpack-sql");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Properties settings = new Properties();
        settings.setProperty(STREAM, "true");
        settings.setProperty("threads", "1");
        settings.setProperty("memory_limit", bytes + "B");
        settings.setProperty("temp_directory", folder.toString());
        settings.setProperty("autoinstall_known_extensions", "false");
        settings.setProperty("autoload_known_extensions", "false");
        settings.setProperty("allow_community_extensions", "false");
        try {
            return new Database(settings, folder);
        } catch (SQLException | LinkageError e) {
            remove(folder);
            throw new BackpackException(
                    CommonProblems.UNSUPPORTED,
                    "The database that reads tables cannot be opened: %s. It needs the jar duckdb_jdbc, and room for 100 MB in '%s'."
                            .formatted(words(e), System.getProperty("java.io.tmpdir")),
                    e);
        }
    }

    private static long memory() {
        String memory = System.getProperty(MEMORY, DEFAULT_MEMORY);
        return MemoryAmount.parse(memory)
                .orElseThrow(() -> new BackpackException(
                        CommonProblems.INVALID_OPTION,
                        "-D%s is '%s', but must be an amount such as %s.".formatted(MEMORY, memory, DEFAULT_MEMORY)))
                .bytes();
    }

    /** The columns of a query's result. */
    List<Column> columns(String query) {
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            ResultSetMetaData data = statement.getMetaData();
            List<Column> columns = new ArrayList<>();
            for (int i = 1; i <= data.getColumnCount(); i++) {
                columns.add(new Column(data.getColumnName(i), data.getColumnTypeName(i)));
            }
            return columns;
        } catch (SQLException e) {
            throw unreadable(e);
        }
    }

    /** The only number that a query gives. */
    long number(String query) {
        try (PreparedStatement statement = connection.prepareStatement(query);
                ResultSet result = statement.executeQuery()) {
            result.next();
            return result.getLong(1);
        } catch (SQLException e) {
            throw unreadable(e);
        }
    }

    /** Prepares a statement. The rows of a query come as they are read. */
    PreparedStatement prepare(String sql) throws SQLException {
        return connection.prepareStatement(sql);
    }

    /** Runs what was prepared; the caller closes the statement. */
    ResultSet run(PreparedStatement prepared, String query) throws SQLException {
        try {
            return prepared.executeQuery();
        } catch (SQLException e) {
            if (String.valueOf(e.getMessage()).contains(NO_REASON)) {
                askForReason(query);
            }
            throw e;
        }
    }

    /** Runs a query, of which nothing is kept, in a way in which its failure has a reason. */
    private void askForReason(String query) throws SQLException {
        Properties whole = new Properties();
        whole.putAll(settings);
        whole.setProperty(STREAM, "false");
        try (Connection other = DriverManager.getConnection(URL, whole);
                PreparedStatement statement =
                        other.prepareStatement("SELECT bit_xor(hash(COLUMNS(*))) FROM (\n%s\n)".formatted(query))) {
            statement.executeQuery().close();
        }
    }

    /** What the database says, in one line. */
    static BackpackException unreadable(SQLException failure) {
        return new BackpackException(
                SqlProblems.UNREADABLE_TABLE,
                "The table cannot be read: %s%s".formatted(words(failure), remedy(failure)),
                failure);
    }

    private static String words(Throwable failure) {
        String message = String.valueOf(failure.getMessage());
        // After an empty line stand the query, which is ours by half, and advice for another program.
        return message.split("\n\n")[0].replaceAll("\\s*\\R\\s*", " ").strip();
    }

    private static String remedy(SQLException failure) {
        String message = String.valueOf(failure.getMessage());
        if (message.contains("Missing Extension")) {
            return ". Extensions are not downloaded: copy the file here, or convert it to Parquet, CSV or JSON.";
        }
        if (message.contains("Out of Memory")) {
            return ". Give the database more with -D%s=2GiB in BACKPACK_OPTS; it has %s."
                    .formatted(MEMORY, System.getProperty(MEMORY, DEFAULT_MEMORY));
        }
        return message.endsWith(".") ? "" : ".";
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw unreadable(e);
        } finally {
            remove(folder);
        }
    }

    private static void remove(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
