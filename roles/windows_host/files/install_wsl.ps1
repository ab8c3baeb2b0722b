# SPDX-FileCopyrightText: hearth.llm contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Brings WSL of the store, in at least the version that is wanted. JSON in: program (the wsl.exe that there is), minimum.
# JSON out: changed, version.
[CmdletBinding(SupportsShouldProcess)]
param (
    [Parameter(Mandatory)] [string] $Wanted
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$env:WSL_UTF8 = '1'
$wish = $Wanted | ConvertFrom-Json

function Invoke-Native {
    # Windows PowerShell makes an error of each line that a program writes to its standard error, a warning of wsl.exe as well, and would end here
    # (PowerShell/PowerShell issue 3996). Whether a program has failed says how it ended.
    param ([scriptblock] $Call)
    $ErrorActionPreference = 'Continue'
    & $Call
}

$store = Join-Path -Path $env:ProgramFiles -ChildPath 'WSL\wsl.exe'

function Get-StoreVersion {
    if (-not (Test-Path -LiteralPath $store)) { return [version] '0.0' }
    # There may be more than numbers in it.
    if ([string] (Get-Item -LiteralPath $store).VersionInfo.FileVersion -match '^\d+(\.\d+){1,3}') { return [version] $Matches[0] }
    return [version] '0.0'
}

$minimum = [version] $wish.minimum
$changed = (Get-StoreVersion) -lt $minimum
if ($changed -and $PSCmdlet.ShouldProcess('WSL', 'Install the newest version')) {
    # --web-download takes it from where WSL is made, for the store wants somebody who has logged in.
    if (Test-Path -LiteralPath $store) {
        $said = Invoke-Native { & $store --update --web-download }
    }
    else {
        $said = Invoke-Native { & $wish.program --install --no-distribution --web-download }
        # The wsl.exe of an older Windows installs nothing but components by that.
        if (-not (Test-Path -LiteralPath $store)) { $said = Invoke-Native { & $wish.program --update --web-download } }
    }
    if ((Get-StoreVersion) -lt $minimum) {
        $words = ($said -join ' ').Replace([string] [char] 0, '')
        throw "WSL $minimum could not be installed: $words Install the newest wsl.*.msi of https://github.com/microsoft/WSL/releases by hand, and run this again."
    }
}
ConvertTo-Json -Compress -InputObject @{ changed = $changed; version = [string] (Get-StoreVersion) }
