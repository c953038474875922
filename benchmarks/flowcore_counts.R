# From an FCS file to the counts of polygon gates with flowCore: Rscript flowcore_counts.R FILE GATES
#
# GATES has a line per gate, parents first: name, parent, two channels, then x and y of each vertex. For every line that
# comes in, the file is read, compensated, transformed and gated anew, and a line "name=count ..." goes out.

suppressPackageStartupMessages(library(flowCore))

arguments <- commandArgs(trailingOnly = TRUE)

read_gate <- function(line) {
  words <- strsplit(line, " ", fixed = TRUE)[[1]]
  vertices <- matrix(as.numeric(words[-(1:4)]), ncol = 2, byrow = TRUE, dimnames = list(NULL, words[3:4]))
  list(name = words[1], parent = words[2], gate = polygonGate(filterId = words[1], .gate = vertices))
}

counts <- function(file, gates) {
  frame <- read.FCS(file, transformation = FALSE, truncate_max_range = FALSE)
  matrices <- spillover(frame)
  matrix <- Filter(Negate(is.null), matrices)[[1]]
  frame <- compensate(frame, matrix)
  logicle <- logicleTransform(w = 0.5, t = 262144, m = 4.5, a = 0)
  used <- unique(unlist(lapply(gates, function(each) parameters(each$gate))))
  frame <- transform(frame, transformList(intersect(used, colnames(matrix)), logicle))
  inside <- list(root = rep(TRUE, nrow(frame)))
  for (each in gates) {
    inside[[each$name]] <- inside[[each$parent]] & as(filter(frame, each$gate), "logical")
  }
  vapply(inside[-1], sum, numeric(1))
}

gates <- lapply(readLines(arguments[2]), read_gate)
input <- file("stdin", open = "r")
while (length(readLines(input, n = 1)) == 1) {
  found <- counts(arguments[1], gates)
  cat(paste0(names(found), "=", found), sep = " ")
  cat("\n")
  flush(stdout())
}
