// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.site;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes the pages that MkDocs renders, and its configuration. */
public final class Site {

    private Site() {}

    /**
     * Writes everything.
     *
     * @param arguments the repository's folder, the folder for pages, which is made anew, the configuration to write,
     *     and the folder of the rendered site
     */
    public static void main(String[] arguments) throws IOException, ReflectiveOperationException {
        Path root = Path.of(arguments[0]).toRealPath();
        Path pages = Path.of(arguments[1]);
        String quantities = QuantitiesDocument.current();
        if (!Files.readString(root.resolve("docs/quantities.md")).equals(quantities)) {
            throw new IllegalStateException(
                    "docs/quantities.md is not what the plugins describe. Write it anew: mvn test -pl site -am -Dgolden.write=true -Dtest=QuantitiesDocumentTest");
        }
        Folders.empty(pages);
        Map<String, String> written = new TreeMap<>(new Documents(root, pages).write());
        written.putAll(new GalleryPages(root, pages.resolve("gallery")).write());
        for (String asset : List.of("iframe-worker.js", "site.css")) {
            Files.copy(root.resolve("site/src/main/site").resolve(asset), pages.resolve(asset));
        }
        Files.writeString(
                Path.of(arguments[2]),
                Navigation.configuration(written, pages.toAbsolutePath(), Path.of(arguments[3])));
        System.out.println(written.size() + " pages");
    }
}
