package cors

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jub0bs/cors/cfgerrors"
)

// Split reads origins as environment variables have them: separated by commas,
// with spaces around them.
func Split(text string) []string {
	var origins []string
	for origin := range strings.SplitSeq(text, ",") {
		if origin = strings.TrimSpace(origin); origin != "" {
			origins = append(origins, origin)
		}
	}
	return origins
}

// check finds what the library lets pass or would name less clearly.
func (c Config) check() error {
	var mistakes []error
	for i, origin := range c.Origins {
		if slices.Contains(c.Origins[:i], origin) {
			mistakes = append(mistakes, fmt.Errorf("the origin %s is there twice", origin))
		}
	}
	if len(c.Origins) > 1 && slices.Contains(c.Origins, AnyOrigin) {
		mistakes = append(mistakes, errors.New("* stands beside other origins, which it makes meaningless: write either"))
	}
	for _, method := range c.Methods {
		if method != strings.ToUpper(method) {
			mistakes = append(mistakes, fmt.Errorf("method %s: methods are case-sensitive, and this one is written %s", method, strings.ToUpper(method)))
		}
	}
	for _, names := range [][]string{c.Methods, c.Headers, c.Expose} {
		for i, name := range names {
			if slices.ContainsFunc(names[:i], func(have string) bool { return strings.EqualFold(have, name) }) {
				mistakes = append(mistakes, fmt.Errorf("%s is there twice", name))
			}
		}
	}
	if slices.Contains(c.Methods, AnyOrigin) {
		mistakes = append(mistakes, errors.New("methods *: name the methods that pages need"))
	}
	if slices.Contains(c.Headers, AnyOrigin) {
		mistakes = append(mistakes, errors.New("headers *: it would not cover Authorization, and with credentials it would cover everything: name the headers that pages need"))
	}
	if slices.Contains(c.Expose, AnyOrigin) {
		mistakes = append(mistakes, errors.New("expose *: name the headers that pages may read"))
	}
	if c.MaxAge > 0 && c.MaxAge%time.Second != 0 {
		mistakes = append(mistakes, fmt.Errorf("max_age %s: browsers count in whole seconds", c.MaxAge))
	}
	return errors.Join(mistakes...)
}

// CheckOrigin judges one origin or pattern alone.
func CheckOrigin(origin string) error {
	_, err := New(Config{Origins: []string{origin}})
	return err
}

// explain says every mistake that the library found in the gate's words.
func explain(err error) error {
	if err == nil {
		return nil
	}
	var mistakes []error
	for mistake := range cfgerrors.All(err) {
		mistakes = append(mistakes, explainOne(mistake))
	}
	return errors.Join(mistakes...)
}

func explainOne(err error) error {
	switch e := err.(type) {
	case *cfgerrors.UnacceptableOriginPatternError:
		return fmt.Errorf("the origin %s cannot be allowed: %s", e.Value, originHint(e.Value))
	case *cfgerrors.IncompatibleOriginPatternError:
		switch e.Reason {
		case "wildcard":
			return errors.New("* with credentials would let every page on the internet act as its visitor: name the origins, or write `credentials off`")
		case "insecure":
			return fmt.Errorf("the origin %s with credentials would let anybody on the visitor's network act as the visitor: use https, or write `credentials off`", e.Value)
		case "psl":
			return fmt.Errorf("the origin %s with credentials: anybody can register a name there: name the subdomains that are yours", e.Value)
		}
	case *cfgerrors.UnacceptableMethodError:
		return fmt.Errorf("the method %s cannot be allowed: browsers never send it (%s)", e.Value, e.Reason)
	case *cfgerrors.UnacceptableHeaderNameError:
		return fmt.Errorf("the %s header %s cannot be named here (%s)", e.Type, e.Value, e.Reason)
	case *cfgerrors.MaxAgeOutOfBoundsError:
		return fmt.Errorf("max_age %ds: browsers remember a preflight for %dh at most", e.Value, e.Max/3600)
	}
	return err
}

// originHint says what is wrong with an origin that cannot be allowed.
func originHint(origin string) string {
	scheme, rest, has := strings.Cut(origin, "://")
	host, port, _ := strings.Cut(rest, ":")
	switch {
	case origin == "null":
		return "every sandboxed page and every local file is the origin null, an attacker's too"
	case origin == "":
		return "it is empty"
	case strings.ContainsAny(origin, "'\"`“”‘’„«»"):
		return "write it without quotes"
	case !has:
		return "write it with its scheme, as in https://app.example.com"
	case scheme == "file":
		return "local files have no origin of their own"
	case strings.ContainsAny(rest, "/?#"):
		return "an origin ends after the host and port: leave out the slash and what follows"
	case strings.Contains(rest, "@"):
		return "an origin has no user name"
	case origin != strings.ToLower(origin):
		return "browsers send it in lower case: write " + strings.ToLower(origin)
	case scheme == "https" && port == "443", scheme == "http" && port == "80":
		return "browsers leave the default port out: write " + scheme + "://" + host
	case strings.ContainsFunc(origin, func(r rune) bool { return r > 0x7f }):
		return "browsers send such a name in its ASCII form (xn--...): write that"
	case strings.Contains(host, "*"):
		return "the only pattern is https://*.example.com, for every subdomain"
	}
	return "it is not the origin of any page: an origin is a scheme, a host and maybe a port"
}
