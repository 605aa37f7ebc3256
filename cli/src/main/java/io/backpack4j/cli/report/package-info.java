/** What a run looked like, as data, and the page that shows it to a person. */
@NullMarked
package io.backpack4j.cli.report;

import org.jspecify.annotations.NullMarked;
